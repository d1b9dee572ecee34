"""`docs/runbook.md` answers every alarm and every step that can fail, and none that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stacks.notify import TOLD
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


def found(value: Any, key: str) -> Iterator[str]:
    """The texts that stand under a key anywhere in a definition, without expressions."""
    if isinstance(value, list):
        for item in value:
            yield from found(item, key)
    elif isinstance(value, dict):
        if isinstance(text := value.get(key), str) and not text.startswith("{%"):
            yield text
        yield from (text for item in value.values() for text in found(item, key))


def failing(definition: Any) -> Iterator[str]:
    """The tasks whose failure no state catches, so that a message names them."""
    for name, state in definition["States"].items():
        caught = [error for catcher in state.get("Catch", ()) for error in catcher["ErrorEquals"]]
        if state["Type"] == "Task" and "States.ALL" not in caught:
            yield name


def test_every_step_that_a_message_can_name_is_in_a_table_and_no_other(
    environments: dict[str, Environment],
) -> None:
    told = [one.machines[part] for one in environments.values() for part in TOLD]
    named = {step for machine in told for step in (*found(machine, "step"), *failing(machine))}
    titles = ("A retrain failed", "A batch failed", "A promotion stopped half-way")
    tables = "".join(section(f"## {title}") for title in titles)
    rows = re.findall(r"^\| ([A-Z]\w+(?:, \w+)*) \|", tables, re.MULTILINE)
    assert {name for row in rows for name in row.split(", ")} - {"Step"} == named


def test_every_message_has_its_row_and_no_row_is_without_message(
    environments: dict[str, Environment],
) -> None:
    ends = {
        f"{part}: {outcome}"
        for one in environments.values()
        for part in TOLD
        for state in one.machines[part]["States"].values()
        for outcome in found(state, "outcome")
        if state.get("Output", {}).get("quiet") is not True
    }
    failures = {f"{part} {end}" for part in TOLD for end in ("failed", "timed out", "aborted")}
    rows = re.findall(r"^\| (`.*?`) \|", section("## The messages"), re.MULTILINE)
    assert set(re.findall(r"`(.*?)`", " ".join(rows))) == ends | failures


def test_the_queue_that_the_runbook_empties_is_a_stacks(environments: dict[str, Environment]) -> None:
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
