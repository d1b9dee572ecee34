"""The deployed state machines as wholes: their order, and that no way through them ends in silence."""

from __future__ import annotations

import pytest

from stacks.workflow import successors
from tests.stacks.resolved import Environment, Json

MACHINES = ["retrain", "promote", "transform"]


@pytest.fixture(scope="session")
def machines(environments: dict[str, Environment]) -> dict[str, Json]:
    """Name of the state machine → its states."""
    return {name: machine["States"] for name, machine in environments["dev"].machines.items()}


def test_the_main_job_runs_in_its_order(machines: dict[str, Json]) -> None:
    """Following each state's first way out leads from prepare to the promotion."""
    states, name, passed = machines["retrain"], "Prepare", []
    while states[name]["Type"] != "Succeed":
        passed.append(name)
        name = states[name].get("Default") or states[name]["Next"]
    steps = ["Prepare", "Train", "Optimise", "UseOptimised", "Evaluate", "Gate", "Register", "Promote"]
    assert [name for name in passed if name in steps] == steps
    assert name == "Promoted"


@pytest.mark.parametrize("machine", MACHINES)
def test_every_task_catches_every_error(machines: dict[str, Json], machine: str) -> None:
    """One task without a catcher is a retrain that fails at 03:00 and tells nobody."""
    for name, state in machines[machine].items():
        if state["Type"] == "Task":
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


# A nested promotion has told people by itself.
TOLD = {("Promote", "Promoted"), ("DidThePromotionTell", "PromotionFailed")}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_way_to_the_end_passes_a_notification(machines: dict[str, Json], machine: str) -> None:
    states = machines[machine]
    ahead, seen = ["CheckInput"], set()
    while ahead:
        name = ahead.pop()
        if name not in seen and not states[name].get("Resource", "").endswith("sns:publish"):
            seen.add(name)
            ahead += [target for target in successors(states[name]) if (name, target) not in TOLD]
    assert [name for name in seen if states[name]["Type"] in ("Succeed", "Fail")] == []


def test_metrics_and_logs_that_cannot_be_kept_do_not_stop_a_retrain(machines: dict[str, Json]) -> None:
    """They are for those who watch; the model is good without them."""
    for name in ("RecordMetrics", "KeepProcessingLogs", "KeepTrainingLogs"):
        state = machines["retrain"][name]
        assert [catcher["Next"] for catcher in state["Catch"]] == [state["Next"]], name


def test_what_gpus_serve_is_not_optimised_for_cpus(variants: dict[str, Environment]) -> None:
    """The job would cost, and what it makes would be slower there."""
    states = variants["gpu"].machines["retrain"]["States"]
    assert states["Train"]["Next"] == "ReadChampion"
    assert [name for name in states if "Optimis" in name] == []


def test_every_environment_retrains_by_the_same_steps(environments: dict[str, Environment]) -> None:
    """What prod does has been seen in dev and in staging."""
    steps = {name: list(one.machines["retrain"]["States"]) for name, one in environments.items()}
    assert steps["dev"] == steps["staging"] == steps["prod"]
