"""The dashboard that a person on call wants: alarms first, then each way of serving, then the retrain.

The body: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.alarms import Metric
from stacks.endpoint_metrics import instance_metric, invocation_metric
from stacks.environment_stack import arn
from stacks.pseudo_parameters import REGION
from stacks.records import CANDIDATE_ACCURACY, CANDIDATE_MACRO_F1, CHAMPION_ACCURACY, namespace
from stacks.settings import Settings

Widget = dict[str, Any]

_WIDTH, _HEIGHT = 6, 6  # of a graph, on a page 24 wide
_DAY, _FIVE_MINUTES = 86400, 300


class Dashboard(Construct):
    """The dashboard `nunchi-<environment>`."""

    def __init__(self, scope: Construct, *, settings: Settings, alarms: Sequence[str]) -> None:
        """Build the dashboard; `alarms` are names."""
        super().__init__(scope, "Dashboard")
        serving = settings.serving
        rows: list[list[Widget]] = [[_alarms(alarms)]]
        if serving.realtime:
            rows += [
                [_title(f"Real-time endpoint {settings.endpoint_name}")],
                _realtime(settings.endpoint_name),
            ]
        if serving.serverless:
            name = settings.serverless_endpoint_name
            rows += [[_title(f"Serverless endpoint {name}")], _serverless(name)]
        rows += [[_title("Retrain")], _retrain(settings)]
        cloudwatch.CfnDashboard(
            self,
            "Dashboard",
            dashboard_name=f"nunchi-{settings.environment}",
            dashboard_body=Stack.of(self).to_json_string({"widgets": _place(rows)}),
        )


def _realtime(name: str) -> list[Widget]:
    return [
        _graph("Latency, p99: model and overhead (µs)", _latency(name), stacked=True),
        _graph("Requests", _requests(name)),
        _graph("Utilisation (%; of one core each)", _utilisation(name)),
        _graph(
            "Latency of the model (µs)",
            [
                ("p50", invocation_metric(name, "ModelLatency", "p50")),
                ("p99", invocation_metric(name, "ModelLatency", "p99")),
            ],
        ),
    ]


def _serverless(name: str) -> list[Widget]:
    return [
        _graph("Latency, p99: model and overhead (µs)", _latency(name), stacked=True),
        _graph("Requests", _requests(name)),
        _graph(
            "Cold starts: how many, and the slowest (µs)",
            [
                ("cold starts", invocation_metric(name, "ModelSetupTime", "SampleCount")),
                ("slowest", invocation_metric(name, "ModelSetupTime", "Maximum")),
            ],
            right="slowest",
        ),
        _graph(
            "Utilisation: memory (%), concurrency (share)",
            [
                ("memory", instance_metric(name, "MemoryUtilization", "Maximum")),
                (
                    "concurrency",
                    invocation_metric(name, "ServerlessConcurrentExecutionsUtilization", "Maximum"),
                ),
            ],
            right="concurrency",
        ),
    ]


def _retrain(settings: Settings) -> list[Widget]:
    def executions(machine: str, name: str, statistic: str = "Sum") -> Metric:
        dimensions = {"StateMachineArn": arn("states", f"stateMachine:{settings.name(machine)}")}
        return Metric("AWS/States", name, dimensions, statistic)

    def accuracy(name: str) -> Metric:
        return Metric(namespace(settings), name, {}, "Average")

    outcomes = ("Succeeded", "Failed", "TimedOut", "Aborted")
    return [
        _graph(
            "Retrains",
            [(outcome.lower(), executions("retrain", f"Executions{outcome}")) for outcome in outcomes],
            period=_DAY,
        ),
        _graph(
            "Promotions",
            [(outcome.lower(), executions("promote", f"Executions{outcome}")) for outcome in outcomes],
            period=_DAY,
        ),
        _graph(
            "Time that a retrain takes (ms)",
            [("longest", executions("retrain", "ExecutionTime", "Maximum"))],
            period=_DAY,
        ),
        _graph(
            f"At the gate (floor {settings.gate.min_accuracy})",
            [
                ("candidate's accuracy", accuracy(CANDIDATE_ACCURACY)),
                ("candidate's macro-F1", accuracy(CANDIDATE_MACRO_F1)),
                ("champion's accuracy", accuracy(CHAMPION_ACCURACY)),
            ],
            period=_DAY,
        ),
    ]


def _latency(name: str) -> list[tuple[str, Metric]]:
    return [
        ("model", invocation_metric(name, "ModelLatency", "p99")),
        ("overhead", invocation_metric(name, "OverheadLatency", "p99")),
    ]


def _requests(name: str) -> list[tuple[str, Metric]]:
    return [
        ("invocations", invocation_metric(name, "Invocations", "Sum")),
        ("4xx", invocation_metric(name, "Invocation4XXErrors", "Sum")),
        ("5xx", invocation_metric(name, "Invocation5XXErrors", "Sum")),
    ]


def _utilisation(name: str) -> list[tuple[str, Metric]]:
    return [
        ("CPU", instance_metric(name, "CPUUtilization", "Maximum")),
        ("memory", instance_metric(name, "MemoryUtilization", "Maximum")),
        ("disk", instance_metric(name, "DiskUtilization", "Maximum")),
    ]


def _graph(
    title: str,
    metrics: Sequence[tuple[str, Metric]],
    *,
    period: int = _FIVE_MINUTES,
    stacked: bool = False,
    right: str = "",
) -> Widget:
    lines = []
    for label, metric in metrics:
        options = {"label": label, "stat": metric.statistic, "yAxis": "right" if label == right else "left"}
        dimensions = [part for pair in metric.dimensions.items() for part in pair]
        lines.append([metric.namespace, metric.name, *dimensions, options])
    return {
        "type": "metric",
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {
            "title": title,
            "region": REGION,
            "view": "timeSeries",
            "stacked": stacked,
            "period": period,
            "metrics": lines,
        },
    }


def _title(text: str) -> Widget:
    return {"type": "text", "width": 24, "height": 1, "properties": {"markdown": f"## {text}"}}


def _alarms(names: Sequence[str]) -> Widget:
    return {
        "type": "alarm",
        "width": 24,
        "height": 3,
        "properties": {"title": "Alarms", "alarms": [arn("cloudwatch", f"alarm:{name}") for name in names]},
    }


def _place(rows: Sequence[Sequence[Widget]]) -> list[Widget]:
    placed, top = [], 0
    for row in rows:
        left = 0
        for widget in row:
            placed.append({**widget, "x": left, "y": top})
            left += widget["width"]
        top += max(widget["height"] for widget in row)
    return placed
