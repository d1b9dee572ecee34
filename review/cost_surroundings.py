"""What the network, the key, the buckets, the alarms and the logs cost a month."""

from __future__ import annotations

from review.asked import Asked, Lines
from review.model import CostLine


def surroundings(asked: Asked) -> Lines:
    """All that is there whether anything is trained or served or not."""
    yield from _network(asked)
    yield from _storage(asked)
    yield from _monitoring(asked)


def _network(asked: Asked) -> Lines:
    table = asked.table
    hours = table.assumed("hours_a_month")
    endpoints = asked.of_type("AWS::EC2::VPCEndpoint")
    # That of S3 is a gateway, which is free.
    zones = [len(one["SubnetIds"]) for one in endpoints if one["VpcEndpointType"] == "Interface"]
    if zones:
        gb = table.assumed("endpoint_gb")
        yield CostLine(
            f"VPC interface endpoints: {len(zones)} in {max(zones)} availability zones",
            f"{hours:g} h a month, {gb:g} GB",
            sum(zones) * hours * table.usd("interface_endpoint_hour")
            + gb * table.usd("interface_endpoint_gb"),
        )
    if asked.of_type("AWS::EC2::FlowLog"):
        gb = table.assumed("flow_log_gb")
        yield CostLine("VPC flow logs", f"{gb:g} GB a month", gb * table.usd("flow_log_gb"))


def _storage(asked: Asked) -> Lines:
    table = asked.table
    if keys := len(asked.of_type("AWS::KMS::Key")):
        requests = table.assumed("key_requests_a_month")
        yield CostLine(
            f"KMS keys: {keys}",
            f"{requests:,.0f} requests a month; a dollar more after each of the first two yearly renewals",
            keys * table.usd("kms_key_month") + requests / 10_000 * table.usd("kms_10000_requests"),
        )
    if buckets := len(asked.of_type("AWS::S3::Bucket")):
        gb = table.assumed("stored_gb")
        yield CostLine(f"S3 buckets: {buckets}", f"{gb:g} GB together", gb * table.usd("s3_gb_month"))


def _monitoring(asked: Asked) -> Lines:
    table = asked.table
    if alarms := asked.of_type("AWS::CloudWatch::Alarm"):
        metrics = sum(
            max(1, sum("MetricStat" in one for one in alarm.get("Metrics", ()))) for alarm in alarms
        )
        yield CostLine(
            f"CloudWatch alarms: {len(alarms)}",
            f"{metrics} metrics in them, each of which is charged",
            metrics * table.usd("alarm_metric_month"),
        )
    if dashboards := len(asked.of_type("AWS::CloudWatch::Dashboard")):
        yield CostLine(
            f"CloudWatch dashboards: {dashboards}",
            "as if the account's three free ones were taken",
            dashboards * table.usd("dashboard_month"),
        )
    if groups := asked.of_type("AWS::Logs::LogGroup"):
        gb, months = table.assumed("log_gb"), max(group["RetentionInDays"] for group in groups) / 30
        yield CostLine(
            f"CloudWatch log groups: {len(groups)}",
            f"{gb:g} GB a month, kept for {months:.0f} months",
            gb * (table.usd("log_gb") + months * table.usd("log_gb_month")),
        )
