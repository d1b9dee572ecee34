from __future__ import annotations

import pytest
from aws_cdk import App, Stack

from stacks.states import State
from stacks.workflow import Workflow


def build(states: dict[str, State]) -> Workflow:
    return Workflow(
        Stack(App(), "stack"),
        "Workflow",
        name="nunchi-test",
        description="",
        start_at="First",
        states=states,
        permissions=[],
    )


def test_a_state_that_is_named_and_not_there_stops_the_synthesis() -> None:
    with pytest.raises(ValueError, match="state Secnod is named and not defined; defined: First"):
        build({"First": {"Type": "Pass", "Next": "Secnod"}})


def test_a_state_that_nothing_leads_to_stops_the_synthesis() -> None:
    with pytest.raises(ValueError, match="no state leads to Lost"):
        build({"First": {"Type": "Succeed"}, "Lost": {"Type": "Succeed"}})
