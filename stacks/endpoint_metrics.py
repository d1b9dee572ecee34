"""The metrics that SageMaker gives of an endpoint.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from __future__ import annotations

from stacks.alarms import Metric

VARIANT = "champion"
"""Name of the one production variant of every endpoint."""


def invocation_metric(endpoint: str, name: str, statistic: str) -> Metric:
    """Of the requests: `Invocations`, `Invocation5XXErrors`, `ModelLatency` (microseconds)…"""
    return Metric("AWS/SageMaker", name, _dimensions(endpoint), statistic)


def instance_metric(endpoint: str, name: str, statistic: str) -> Metric:
    """Of the instances: `CPUUtilization`, `MemoryUtilization` (percent)…"""
    return Metric("/aws/sagemaker/Endpoints", name, _dimensions(endpoint), statistic)


def _dimensions(endpoint: str) -> dict[str, str]:
    return {"EndpointName": endpoint, "VariantName": VARIANT}
