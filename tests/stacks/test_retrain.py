"""The deployed definitions of both state machines, read from the template."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk.assertions import Template

from docs.diagram import definition
from stacks.jobs import METRICS
from stacks.settings import Settings
from stacks.workflow import successors
from train import Arguments


@pytest.fixture(scope="session")
def machines(templates: dict[str, Template]) -> dict[str, dict[str, Any]]:
    """Name of the state machine → its states."""
    template = templates["training"].to_json()
    return {name: definition(template, name)["States"] for name in ("retrain", "promote")}


def test_the_main_job_runs_in_its_order(machines: dict[str, dict[str, Any]]) -> None:
    """Following each state's first way out leads from prepare to the promotion."""
    states, name, passed = machines["retrain"], "Prepare", []
    while states[name]["Type"] != "Succeed":
        passed.append(name)
        name = states[name].get("Default") or states[name]["Next"]
    assert [n for n in passed if n in ("Prepare", "Train", "Evaluate", "Gate", "Register", "Promote")] == [
        "Prepare",
        "Train",
        "Evaluate",
        "Gate",
        "Register",
        "Promote",
    ]
    assert name == "Promoted"


@pytest.mark.parametrize("machine", ["retrain", "promote"])
def test_every_task_catches_every_error(machines: dict[str, dict[str, Any]], machine: str) -> None:
    """One task without a catcher is a retrain that fails at 03:00 and tells nobody."""
    for name, state in machines[machine].items():
        if state["Type"] == "Task":
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


# A nested promotion has told people by itself.
TOLD = {("Promote", "Promoted"), ("DidThePromotionTell", "PromotionFailed")}


@pytest.mark.parametrize("machine", ["retrain", "promote"])
def test_every_way_to_the_end_passes_a_notification(
    machines: dict[str, dict[str, Any]], machine: str
) -> None:
    states = machines[machine]
    ahead, seen = ["CheckInput"], set()
    while ahead:
        name = ahead.pop()
        if name not in seen and not states[name].get("Resource", "").endswith("sns:publish"):
            seen.add(name)
            ahead += [target for target in successors(states[name]) if (name, target) not in TOLD]
    assert [name for name in seen if states[name]["Type"] in ("Succeed", "Fail")] == []


def test_train_validation_and_test_rows_go_to_different_prefixes(machines: dict[str, dict[str, Any]]) -> None:
    """Written to one path, the test rows would be trained on."""
    outputs = machines["retrain"]["Prepare"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    uris = [output["S3Output"]["S3Uri"] for output in outputs]
    assert len(set(uris)) == len(uris) == 4


def test_all_that_a_run_writes_lies_below_its_own_prefix(machines: dict[str, dict[str, Any]]) -> None:
    """A constant prefix lets one execution overwrite, or resume from, what another made."""
    states = machines["retrain"]
    written = [states["Train"]["Arguments"]["OutputDataConfig"]["S3OutputPath"]] + [
        output["S3Output"]["S3Uri"]
        for step in ("Prepare", "Evaluate")
        for output in states[step]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    ]
    assert all("/' & $run & '" in uri for uri in written)


def test_train_accepts_every_hyperparameter_of_the_settings() -> None:
    """A name that only one side knows would fail the job after its instance was paid for."""
    known = set(Arguments.__dataclass_fields__)
    assert set(Settings(environment="dev").training.hyperparameters.model_dump()) <= known
    assert {"model_name_or_path", "model_revision"} <= known


@pytest.mark.parametrize(
    ("line", "metric", "value"),
    [
        ("[train] step=20 epoch=0.50 loss=0.6931 learning_rate=4.5e-05", "train:loss", "0.6931"),
        ("[validation] epoch=1.00 loss=5.1e-01 accuracy=0.8123", "validation:loss", "5.1e-01"),
        ("[validation] epoch=1.00 loss=0.5123 accuracy=0.8123", "validation:accuracy", "0.8123"),
    ],
)
def test_metric_definitions_match_what_train_prints(line: str, metric: str, value: str) -> None:
    found = {name: match.group(1) for name, regex in METRICS.items() if (match := re.search(regex, line))}
    assert found[metric] == value
