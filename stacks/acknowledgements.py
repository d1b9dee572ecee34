"""Findings of the rule packs that are as they should be, each with a reason that a reviewer would accept.

`docs/security.md` lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, CfnResource, Validations
from constructs import Construct

PACKS = ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")
"""The packs that share most of their rules."""


def acknowledge(construct: Construct, findings: Mapping[str, str]) -> None:
    """Acknowledge `findings`: rule id, or a granular finding as `AwsSolutions-IAM5[Resource::*]` → reason."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=id, reason=reason) for id, reason in findings.items())
    )


def skip_scan(resource: CfnResource, reason: str, check: str) -> None:
    """Tell checkov that its finding `check`, such as `CKV_AWS_18`, is as it should be for `resource`."""
    resource.add_metadata("checkov", {"skip": [{"id": check, "comment": reason}]})


def in_every_pack(rule: str, reason: str) -> dict[str, str]:
    """The ids of a rule that the packs share, such as `S3BucketLoggingEnabled` → `reason`."""
    return {f"{pack}-{rule}": reason for pack in PACKS}
