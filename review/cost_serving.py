"""What serving costs: each way a month, and for a million predictions."""

from __future__ import annotations

from collections.abc import Iterator

from review.asked import Asked, Lines
from review.model import CostLine, Json

_MILLION = 1_000_000


def serving(asked: Asked) -> Lines:
    """The endpoints, the requests that they keep, and batch transform."""
    for variant in asked.variants:
        yield from (
            _serverless(asked, variant) if "ServerlessConfig" in variant else _real_time(asked, variant)
        )
    for config in asked.of_type("AWS::SageMaker::EndpointConfig"):
        if percent := config.get("DataCaptureConfig", {}).get("InitialSamplingPercentage"):
            yield _captured(asked, percent)
    for _, job in asked.jobs("transform", "Transform"):
        yield _batch(asked, job["TransformResources"])


def million_predictions(asked: Asked) -> Iterator[tuple[str, float]]:
    """Way of serving, and US dollars for a million predictions, one a request."""
    table = asked.table
    for variant in asked.variants:
        if "ServerlessConfig" in variant:
            yield "serverless", _MILLION * _request(asked, variant)
        elif hour := table.hour(variant["InstanceType"]):
            yield "real-time", _MILLION / (_invocations_a_minute(asked) * 60) * hour
    for _, job in asked.jobs("transform", "Transform"):
        if hour := table.hour(job["TransformResources"]["InstanceType"]):
            yield "batch", _MILLION / (table.assumed("batch_texts_a_second") * 3600) * hour


def _real_time(asked: Asked, variant: Json) -> Lines:
    table, kind = asked.table, variant["InstanceType"]
    if (hour := table.hour(kind)) is None:
        yield f"{kind} of the real-time endpoint"
        return
    targets = asked.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    scaled = [one for one in targets if one["ScalableDimension"].endswith(":DesiredInstanceCount")]
    least = scaled[0]["MinCapacity"] if scaled else variant["InitialInstanceCount"]
    hours = table.assumed("hours_a_month")
    assumption = f"{hours:g} h a month"
    if scaled:
        most = scaled[0]["MaxCapacity"]
        assumption += f", the least number of instances; with the most, {most}: ${most * hours * hour:,.2f}"
    yield CostLine(f"real-time endpoint: {least} × {kind}", assumption, least * hours * hour)


def _serverless(asked: Asked, variant: Json) -> Lines:
    table, gb = asked.table, _gb(variant)
    requests = table.assumed("requests_a_month")
    yield CostLine(
        f"serverless endpoint: {gb:g} GB",
        f"{requests:,.0f} requests a month, {table.assumed('serverless_ms'):g} ms each",
        requests * _request(asked, variant),
    )
    if warm := variant["ServerlessConfig"].get("ProvisionedConcurrency"):
        yield f"provisioned concurrency of the serverless endpoint: {warm} × {gb:g} GB"


def _captured(asked: Asked, percent: float) -> CostLine:
    table = asked.table
    requests, kb, months = map(table.assumed, ("requests_a_month", "captured_kb", "captured_months"))
    gb = requests * percent / 100 * kb / _MILLION * months
    return CostLine(
        f"captured requests: {percent:g} %",
        f"{requests:,.0f} requests a month, {kb:g} KB each, kept for {months:g} months",
        gb * table.usd("s3_gb_month"),
    )


def _batch(asked: Asked, resources: Json) -> CostLine | str:
    kind, count = resources["InstanceType"], resources["InstanceCount"]
    hours, hour = asked.table.assumed("batch_hours_a_month"), asked.table.hour(kind)
    if hour is None:
        return f"{kind} of batch transform"
    return CostLine(f"batch transform: {count} × {kind}", f"{hours:g} h a month", count * hours * hour)


def _gb(variant: Json) -> float:
    return float(variant["ServerlessConfig"]["MemorySizeInMB"]) / 1024


def _request(asked: Asked, variant: Json) -> float:
    """US dollars for a request to the serverless endpoint."""
    seconds = asked.table.assumed("serverless_ms") / 1000
    return seconds * _gb(variant) * asked.table.usd("serverless_gb_second")


def _invocations_a_minute(asked: Asked) -> float:
    """Of an instance that is as busy as scaling keeps it."""
    for policy in asked.of_type("AWS::ApplicationAutoScaling::ScalingPolicy"):
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
        if metric == "SageMakerVariantInvocationsPerInstance":
            return float(tracking["TargetValue"])
    return asked.table.assumed("invocations_a_minute")
