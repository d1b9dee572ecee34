"""`docs/runbook.md` answers every alarm and every step that can fail, and none that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.stacks.resolved import Environment

RUNBOOK = (Path(__file__).resolve().parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """What stands below a heading, up to the next of its level."""
    level = title.partition(" ")[0]
    return RUNBOOK.split(f"\n{title}\n")[1].partition(f"\n{level} ")[0]


def test_every_alarm_has_its_section_and_no_section_is_without_alarm(
    environments: dict[str, Environment],
) -> None:
    alarms = {
        properties["AlarmName"].removeprefix(environment.settings.name(""))
        for environment in environments.values()
        for _, _, properties in environment.of_type("AWS::CloudWatch::Alarm")
    }
    assert set(re.findall(r"^### (.*)$", section("## Alarms"), re.MULTILINE)) == alarms


def test_every_alarms_section_says_something() -> None:
    parts = re.split(r"^### .*$", section("## Alarms"), flags=re.MULTILINE)[1:]
    assert [part for part in parts if len(part.split()) < 20] == []


def steps(value: Any) -> Iterator[str]:
    """What a definition calls the steps that it tells people of."""
    if isinstance(value, list):
        for item in value:
            yield from steps(item)
    elif isinstance(value, dict):
        if isinstance(value.get("step"), str):
            yield value["step"]
        yield from (step for item in value.values() for step in steps(item))


def test_every_step_that_a_message_can_name_is_in_a_table_and_no_other(
    environments: dict[str, Environment],
) -> None:
    told = {step for one in environments.values() for step in steps(list(one.machines.values()))}
    rows = re.findall(r"^\| ([A-Z]\w+(?:, \w+)*) \|", section("## A retrain failed"), re.MULTILINE)
    assert {name for row in rows for name in row.split(", ")} - {"Step"} == told


def test_the_step_that_a_message_names_is_the_one_that_caught_the_error(
    environments: dict[str, Environment],
) -> None:
    """The tables would lead astray otherwise. What is told of as `Promote` is one step to people."""
    named = {
        (name, step)
        for one in environments.values()
        for machine in one.machines.values()
        for name, state in machine["States"].items()
        for step in steps(state.get("Catch", []))
    }
    assert {name for name, step in named if step not in (name, "Promote")} == set()


def test_the_queue_that_the_runbook_empties_is_the_schedules(environments: dict[str, Environment]) -> None:
    queue = environments["prod"].properties("training", "AWS::SQS::Queue")["QueueName"]
    assert f"--queue-name {queue} " in RUNBOOK


def test_the_minutes_and_percents_are_the_alarms_own(environments: dict[str, Environment]) -> None:
    alarms = {
        properties["AlarmName"]: properties
        for _, _, properties in environments["dev"].of_type("AWS::CloudWatch::Alarm")
    }
    said = {
        "endpoint-errors": "More than 1 %",
        "endpoint-client-errors": "More than 10 %",
        "serverless-errors": "More than 1 %",
    }
    for name, words in said.items():
        assert words in section(f"### {name}")
        assert words == f"More than {alarms[f'nunchi-dev-{name}']['Threshold']} %"
