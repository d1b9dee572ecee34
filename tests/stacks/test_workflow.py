from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack

from stacks.settings import Settings
from stacks.states import State
from stacks.storage import Storage
from stacks.workflow import Workflow
from tests.stacks.resolved import Environment

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


def build(settings: Settings, states: dict[str, State]) -> Workflow:
    return Workflow(
        Stack(App(), "stack"),
        part="test",
        description="",
        settings=settings,
        storage=Storage(data="data", artifacts="artifacts", key_arn="key"),
        start_at="First",
        states=states,
        permissions=[],
    )


def test_a_state_that_is_named_and_not_there_stops_the_synthesis(dev: Settings) -> None:
    with pytest.raises(ValueError, match="state Secnod is named and not defined; defined: First"):
        build(dev, {"First": {"Type": "Pass", "Next": "Secnod"}})


def test_a_state_that_nothing_leads_to_stops_the_synthesis(dev: Settings) -> None:
    with pytest.raises(ValueError, match="no state leads to Lost"):
        build(dev, {"First": {"Type": "Succeed"}, "Lost": {"Type": "Succeed"}})


def machines(environment: Environment) -> list[dict[str, Any]]:
    found = [properties for _, _, properties in environment.of_type("AWS::StepFunctions::StateMachine")]
    assert len(found) == 5
    return found


@every_environment
def test_every_workflow_logs_every_event_to_a_group_of_its_own(
    environments: dict[str, Environment], name: str
) -> None:
    """Without the events of an execution that has expired, nobody learns what it did."""
    groups = []
    for machine in machines(environments[name]):
        assert machine["LoggingConfiguration"]["Level"] == "ALL"
        (destination,) = machine["LoggingConfiguration"]["Destinations"]
        groups.append(destination["CloudWatchLogsLogGroup"]["LogGroupArn"].split(":")[6])
    assert groups == [
        f"/aws/vendedlogs/states/{machine['StateMachineName']}" for machine in machines(environments[name])
    ]


@pytest.mark.parametrize(("name", "expected"), [("dev", True), ("staging", True), ("prod", False)])
def test_the_logs_hold_what_the_states_were_given_except_in_prod(
    environments: dict[str, Environment], name: str, expected: bool
) -> None:
    """What people wrote must not stand in a log that more may read than may read the bucket."""
    for machine in machines(environments[name]):
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is expected


@every_environment
def test_every_workflow_is_traced(environments: dict[str, Environment], name: str) -> None:
    assert [machine["TracingConfiguration"] for machine in machines(environments[name])] == [
        {"Enabled": True}
    ] * 5


@every_environment
def test_every_definition_is_in_jsonata(environments: dict[str, Environment], name: str) -> None:
    assert {one["QueryLanguage"] for one in environments[name].machines.values()} == {"JSONata"}
