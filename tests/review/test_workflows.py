"""What a review says of the state machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from review.model import Kind, Side, WorkflowChange
from review.workflows import workflow_changes
from tests.review.small import digest, small_side

Json = dict[str, Any]

STACK = "nunchi-dev-training"
RETRAIN: Json = {
    "Comment": "다시 학습",
    "StartAt": "Train",
    "States": {
        "Train": {"Type": "Task", "Resource": "arn:aws:states:::x", "Arguments": {"A": 1}, "Next": "Gate"},
        "Gate": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Done"}]},
        "Done": {"Type": "Succeed"},
    },
}


def machine(definition: Json, name: str = "nunchi-dev-retrain") -> Json:
    """A state machine as the CDK writes it, with a role's ARN where the definition has `ROLE`."""
    text = json.dumps(definition, ensure_ascii=False)
    parts: list[Any] = []
    for piece in text.split("ROLE"):
        parts += [piece, {"Fn::GetAtt": ["Role", "Arn"]}]
    joined = {"Fn::Join": ["", parts[:-1]]}
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"StateMachineName": name, "DefinitionString": joined if len(parts) > 2 else text},
    }


def edited(**states: Json | None) -> Json:
    """The definition with other states: None takes one away."""
    kept = {name: state for name, state in {**RETRAIN["States"], **states}.items() if state}
    return {**RETRAIN, "States": kept}


def changes(folder: Path, before: Json, after: Json) -> tuple[WorkflowChange, ...]:
    """What the review says of one machine's definition."""
    base = small_side(folder / "base", {STACK: {"Machine": machine(before)}})
    head = small_side(folder / "head", {STACK: {"Machine": machine(after)}})
    return workflow_changes(base, head)["dev"]


def test_an_order_of_keys_is_nothing(tmp_path: Path) -> None:
    turned = dict(reversed(RETRAIN.items())) | {"States": dict(reversed(RETRAIN["States"].items()))}
    assert changes(tmp_path, RETRAIN, turned) == ()


def test_the_digest_of_the_code_is_nothing(tmp_path: Path) -> None:
    sides = []
    for name in ("base", "head"):
        code = {"Type": "Pass", "Output": f"s3://assets/{digest(0, name)}.gz", "Next": "Gate"}
        resources = {"Machine": machine(edited(Train=code))}
        sides.append(small_side(tmp_path / name, {STACK: resources}, assets=[b""]))
    assert workflow_changes(*sides) == {"dev": ()}


def test_it_names_the_workflow_and_its_stack(tmp_path: Path) -> None:
    (change,) = changes(tmp_path, RETRAIN, edited(Done={"Type": "Fail"}))
    assert (change.stack, change.name) == (STACK, "retrain")


def test_it_has_both_definitions(tmp_path: Path) -> None:
    after = edited(Done={"Type": "Fail"})
    (change,) = changes(tmp_path, RETRAIN, after)
    assert (change.before, change.after) == (RETRAIN, after)


@pytest.mark.parametrize(
    ("after", "states"),
    [
        (edited(Train={**RETRAIN["States"]["Train"], "Arguments": {"A": 2}}), {"Train": "changed"}),
        (edited(Train={**RETRAIN["States"]["Train"], "Next": "Done"}), {"Train": "changed"}),
        (edited(Gate=None), {"Gate": "removed"}),
        (edited(Tell={"Type": "Pass", "End": True}), {"Tell": "added"}),
        ({**RETRAIN, "StartAt": "Gate"}, {"Gate": "changed"}),
        ({**RETRAIN, "TimeoutSeconds": 60}, {}),
    ],
    ids=["arguments", "way on", "state that went", "new state", "where it starts", "the whole workflow"],
)
def test_it_marks_the_states_that_differ(tmp_path: Path, after: Json, states: dict[str, str]) -> None:
    (change,) = changes(tmp_path, RETRAIN, after)
    assert change.states == states


def test_what_the_template_refers_to_is_in_words(tmp_path: Path) -> None:
    state = {"Type": "Pass", "Output": {"Role": "ROLE", "Text": '"quoted"'}, "Next": "Gate"}
    (change,) = changes(tmp_path, RETRAIN, edited(Train=state))
    assert change.after["States"]["Train"]["Output"] == {"Role": "<Role>", "Text": '"quoted"'}


def test_a_new_workflow_has_nothing_before(tmp_path: Path) -> None:
    base = small_side(tmp_path / "base", {STACK: {}})
    head = small_side(tmp_path / "head", {STACK: {"Machine": machine(RETRAIN)}})
    (change,) = workflow_changes(base, head)["dev"]
    states: dict[str, Kind] = dict.fromkeys(RETRAIN["States"], "added")
    assert change == WorkflowChange(STACK, "retrain", {}, RETRAIN, states)


def test_a_workflow_that_goes_has_nothing_after(tmp_path: Path) -> None:
    base = small_side(tmp_path / "base", {STACK: {"Machine": machine(RETRAIN)}})
    head = small_side(tmp_path / "head", {STACK: {}})
    (change,) = workflow_changes(base, head)["dev"]
    states: dict[str, Kind] = dict.fromkeys(RETRAIN["States"], "removed")
    assert change == WorkflowChange(STACK, "retrain", RETRAIN, {}, states)


def test_every_workflow_of_every_environment_is_read(assembly: Path, tmp_path: Path) -> None:
    found = workflow_changes(small_side(tmp_path / "base", {}), Side("head", tmp_path, assembly))
    names = {environment: {change.name for change in changes} for environment, changes in found.items()}
    everyone = {"notify", "promote", "retrain", "train", "transform"}
    assert names == {"dev": everyone, "prod": everyone, "staging": everyone}
