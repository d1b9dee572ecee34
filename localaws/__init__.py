"""An AWS on this machine: ministack, and on top of it the SageMaker that the application uses."""

from localaws.local_aws import LocalAws

__all__ = ["LocalAws"]
