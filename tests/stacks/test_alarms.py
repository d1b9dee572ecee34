"""Every alarm of every environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.stacks.resolved import Environment, Json

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


@pytest.fixture
def alarms(environments: dict[str, Environment], name: str) -> dict[str, Json]:
    """Name, without the environment → properties."""
    return {
        alarm["AlarmName"].removeprefix(f"nunchi-{name}-"): alarm
        for _, _, alarm in environments[name].of_type("AWS::CloudWatch::Alarm")
    }


@every_environment
def test_every_alarm_tells_the_topic_when_it_rings_and_when_it_stops(
    environments: dict[str, Environment], alarms: dict[str, Json], name: str
) -> None:
    environment = environments[name]
    (topic,) = environment.templates["training"].of_type("AWS::SNS::Topic")
    arn = environment.arn("training", topic)
    told = {(*alarm["AlarmActions"], *alarm["OKActions"]) for alarm in alarms.values()}
    assert told == {(arn, arn)}


@every_environment
def test_every_alarm_says_what_it_means_and_where_to_look(alarms: dict[str, Json]) -> None:
    """The description is what stands in the message at three at night."""
    for name, alarm in alarms.items():
        assert len(alarm["AlarmDescription"]) > 60, name


@every_environment
def test_nothing_to_count_rings_no_alarm(alarms: dict[str, Json]) -> None:
    """An endpoint that nobody asks at night would ring every night."""
    assert {alarm["TreatMissingData"] for alarm in alarms.values()} == {"notBreaching"}


def values(alarm: Json) -> Iterator[Json]:
    for query in alarm["Metrics"]:
        if query["ReturnData"]:
            yield query


@every_environment
def test_every_alarm_looks_at_one_value(alarms: dict[str, Json]) -> None:
    """CloudWatch refuses an alarm whose metrics give two."""
    assert [name for name, alarm in alarms.items() if len(list(values(alarm))) != 1] == []


@every_environment
def test_every_name_in_an_expression_is_a_metric_of_its_alarm(alarms: dict[str, Json]) -> None:
    for name, alarm in alarms.items():
        known = {query["Id"] for query in alarm["Metrics"]}
        for query in alarm["Metrics"]:
            used = set(re.findall(r"[a-z]\w*", query.get("Expression", "")))
            assert used <= known, name


@every_environment
def test_every_metric_has_a_name_that_cloudwatch_takes(alarms: dict[str, Json]) -> None:
    """It wants a small letter first: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html"""
    ids = [query["Id"] for alarm in alarms.values() for query in alarm["Metrics"]]
    assert [one for one in ids if not re.fullmatch(r"[a-z][a-zA-Z0-9_]*", one)] == []


@every_environment
def test_every_alarm_that_a_person_needs_is_there(
    environments: dict[str, Environment], alarms: dict[str, Json], name: str
) -> None:
    settings = environments[name].settings
    expected = {"retrain-failed", "promote-failed", "transform-failed", "notify-failed"}
    expected |= {"endpoint-errors", "endpoint-latency", "endpoint-client-errors"}
    expected |= {"training-not-started"}
    if settings.serving.batch and (settings.serving.batch.schedule or settings.serving.batch.on_arrival):
        expected |= {"serving-not-started"}
    if settings.serving.serverless:
        expected |= {"serverless-errors", "serverless-client-errors"}
    assert set(alarms) == expected


@every_environment
@pytest.mark.parametrize("machine", ["retrain", "promote", "transform", "notify"])
def test_a_workflow_that_ends_in_any_way_but_well_rings(
    alarms: dict[str, Json], name: str, machine: str
) -> None:
    """One that was stopped by hand, or timed out, sends no message of its own."""
    metrics = [query["MetricStat"]["Metric"] for query in alarms[f"{machine}-failed"]["Metrics"][1:]]
    assert [one["MetricName"] for one in metrics] == [
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionsAborted",
    ]
    machines = {one["Dimensions"][0]["Value"].rpartition(":")[2] for one in metrics}
    assert machines == {f"nunchi-{name}-{machine}"}


@pytest.mark.parametrize(
    ("name", "part"),
    [("dev", "training"), ("staging", "training"), ("staging", "serving"), ("prod", "serving")],
)
def test_a_workflow_that_did_not_start_rings(
    environments: dict[str, Environment], alarms: dict[str, Json], name: str, part: str
) -> None:
    metric = alarms[f"{part}-not-started"]["Metrics"][0]["MetricStat"]["Metric"]
    assert metric["MetricName"] == "ApproximateNumberOfMessagesVisible"
    queue = environments[name].properties(part, "AWS::SQS::Queue")["QueueName"]
    assert metric["Dimensions"] == [{"Name": "QueueName", "Value": queue}]
