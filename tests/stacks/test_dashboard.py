from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.stacks.evaluated import request
from tests.stacks.resolved import Environment, Json

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])

ENDPOINT = {
    "ModelLatency",
    "OverheadLatency",
    "Invocations",
    "Invocation4XXErrors",
    "Invocation5XXErrors",
}
INSTANCES = {"CPUUtilization", "MemoryUtilization", "DiskUtilization"}
SERVERLESS = {"ModelSetupTime", "MemoryUtilization", "ServerlessConcurrentExecutionsUtilization"}
HISTORY = {
    "ExecutionsSucceeded",
    "ExecutionsFailed",
    "ExecutionsTimedOut",
    "ExecutionsAborted",
    "ExecutionTime",
}
GATE = {"CandidateAccuracy", "CandidateMacroF1", "ChampionAccuracy"}


def widgets(environment: Environment) -> list[Json]:
    body = environment.properties("monitoring", "AWS::CloudWatch::Dashboard")["DashboardBody"]
    found: list[Json] = json.loads(body)["widgets"]
    return found


def metrics(environment: Environment) -> list[list[Any]]:
    return [
        line
        for widget in widgets(environment)
        if widget["type"] == "metric"
        for line in widget["properties"]["metrics"]
    ]


def of(environment: Environment, dimension: str, value: str) -> set[str]:
    """The names of the metrics that have that dimension."""
    return {line[1] for line in metrics(environment) if (dimension, value) in itertools.pairwise(line[2:-1])}


@every_environment
def test_no_widget_lies_on_another(environments: dict[str, Environment], name: str) -> None:
    """CloudWatch moves the one below, and the rows mean nothing any more."""
    cells = [
        (x, y)
        for widget in widgets(environments[name])
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@every_environment
def test_latency_is_split_and_requests_errors_and_utilisation_are_shown(
    environments: dict[str, Environment], name: str
) -> None:
    assert of(environments[name], "EndpointName", f"nunchi-{name}") == ENDPOINT | INSTANCES


def test_the_serverless_endpoints_cold_starts_are_shown(environments: dict[str, Environment]) -> None:
    shown = of(environments["dev"], "EndpointName", "nunchi-dev-serverless")
    assert shown == ENDPOINT | SERVERLESS


@every_environment
def test_the_history_of_retrains_is_shown(environments: dict[str, Environment], name: str) -> None:
    machine = f"arn:aws:states:ap-northeast-2:123456789012:stateMachine:nunchi-{name}-retrain"
    assert of(environments[name], "StateMachineArn", machine) == HISTORY


@every_environment
def test_the_gates_metrics_are_shown_as_the_retrain_records_them(
    environments: dict[str, Environment], name: str
) -> None:
    """Under another namespace the graph stays empty, and nobody knows why."""
    evaluation = {"accuracy": 0.9, "macro_f1": 0.9, "champion": {"accuracy": 0.8}}
    recorded = request(environments[name], "retrain", "RecordMetrics", evaluation=evaluation)
    expected = [
        [
            recorded["Namespace"],
            one["MetricName"],
        ]
        for one in recorded["MetricData"]
    ]
    assert {line[1] for line in expected} == GATE
    assert [line[:-1] for line in metrics(environments[name]) if line[1] in GATE] == expected


@every_environment
def test_every_alarm_is_at_the_top(environments: dict[str, Environment], name: str) -> None:
    environment = environments[name]
    first = widgets(environment)[0]
    assert (first["type"], first["y"]) == ("alarm", 0)
    arns = {
        environment.arn(part, logical_id)
        for part, logical_id, _ in environment.of_type("AWS::CloudWatch::Alarm")
    }
    assert set(first["properties"]["alarms"]) == arns


def test_what_is_not_served_is_not_shown(variants: dict[str, Environment]) -> None:
    assert {line[0] for line in metrics(variants["bare"])} == {"AWS/States", "Nunchi/bare"}
