"""Alarms of CloudWatch, told to the topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

MINUTE = 60


@dataclass(frozen=True)
class Metric:
    """A metric and how its values of one period become one."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    """`Sum`, `Average`, `Maximum`, `p99`…"""

    def stat(self, period: int) -> dict[str, Any]:
        """The `MetricStat` of an alarm, over `period` seconds."""
        dimensions = [{"name": name, "value": value} for name, value in self.dimensions.items()]
        return {
            "metric": {"namespace": self.namespace, "metricName": self.name, "dimensions": dimensions},
            "period": period,
            "stat": self.statistic,
        }


def make_alarm(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    description: str,
    metrics: Mapping[str, Metric],
    expression: str | None = None,
    threshold: float,
    periods: int = 1,
    period: int = MINUTE,
    actions: Sequence[str],
) -> cloudwatch.CfnAlarm:
    """An alarm that rings when the value is above `threshold` for `periods` of `period` seconds.

    Args:
        scope: of what it is part.
        construct_id: the construct's id in it.
        name: physical name.
        description: what it means and what to look at: it is in the message that people get.
        metrics: by the name that `expression` has for them; the one that there is without it.
        expression: metric mathematics over `metrics`.
        threshold: in the unit of the metric.
        periods: how many in a row.
        period: seconds.
        actions: ARNs of the topics that are told when it rings and when it stops.
    """
    queries: list[dict[str, Any]] = [
        {"id": id, "metricStat": metric.stat(period), "returnData": expression is None}
        for id, metric in metrics.items()
    ]
    if expression:
        queries.insert(0, {"id": "value", "expression": expression, "label": name, "returnData": True})
    return cloudwatch.CfnAlarm(
        scope,
        construct_id,
        alarm_name=name,
        alarm_description=description,
        metrics=queries,
        comparison_operator="GreaterThanThreshold",
        threshold=threshold,
        evaluation_periods=periods,
        # No requests, no executions: nothing is wrong.
        treat_missing_data="notBreaching",
        alarm_actions=list(actions),
        ok_actions=list(actions),
    )
