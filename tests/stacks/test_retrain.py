"""The deployed state machines as wholes: their order, and that no way through them ends in silence."""

from __future__ import annotations

import pytest

from stacks.workflow import successors
from tests.stacks.resolved import Environment, Json

MACHINES = ["retrain", "train", "promote", "transform", "notify"]


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
    assert passed[-2:] == ["Promoted", "ReleaseLock"]


@pytest.mark.parametrize("machine", MACHINES)
def test_every_task_is_tried_again_where_that_can_help(machines: dict[str, Json], machine: str) -> None:
    """One throttled call must not end a retrain at 03:00; a job that failed would fail once more."""
    for name, state in machines[machine].items():
        if state["Type"] == "Task" and not name.startswith("Create"):
            assert all(r["JitterStrategy"] == "FULL" for r in state["Retry"] if r["MaxAttempts"]), name
            assert state["Retry"], name
        if state.get("Resource", "").endswith((".sync", ".sync:2")):
            tried = {error for retrier in state["Retry"] for error in retrier["ErrorEquals"]}
            assert not tried & {"States.ALL", "States.TaskFailed", "States.Timeout"}, name


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_is_given_up_after_a_while(machines: dict[str, Json], machine: str) -> None:
    """Step Functions' own limit is a year."""
    for name, state in machines[machine].items():
        if state["Type"] == "Task" and ".sync" not in state["Resource"]:
            assert state["TimeoutSeconds"] == 120, name


@pytest.mark.parametrize("machine", ["retrain", "promote"])
def test_every_good_end_gives_the_lock_back(machines: dict[str, Json], machine: str) -> None:
    states = machines[machine]
    before = {name: [n for n, s in states.items() if name in successors(s)] for name in states}
    ends = [name for name, state in states.items() if state["Type"] == "Succeed"]
    assert set(ends) <= {"Done", "Busy", "Rejected"}
    assert before["Done"] == ["ReleaseLock"]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_failure_that_is_not_ours_to_mend_can_be_redriven(machines: dict[str, Json], machine: str) -> None:
    """A task that catches all and ends in a Fail state could not: the Fail state would run again."""
    catching = {
        name
        for name, state in machines[machine].items()
        if state["Type"] == "Task"
        and any("Failed" in (catcher["Next"],) for catcher in state.get("Catch", ()))
    }
    assert catching <= {"RejectPackage"}


def test_metrics_and_logs_that_cannot_be_kept_do_not_stop_a_retrain(machines: dict[str, Json]) -> None:
    """They are for those who watch; the model is good without them."""
    for name in ("RecordMetrics", "KeepProcessingLogs", "KeepTrainingLogs"):
        state = machines["retrain"][name]
        assert [catcher["Next"] for catcher in state["Catch"]] == [state["Next"]], name


def test_what_gpus_serve_is_not_optimised_for_cpus(variants: dict[str, Environment]) -> None:
    """The job would cost, and what it makes would be slower there."""
    states = variants["gpu"].machines["retrain"]["States"]
    assert states["Train"]["Next"] == "Evaluate"
    assert [name for name in states if "Optimis" in name] == []


def test_every_environment_retrains_by_the_same_steps_but_for_who_approves(
    environments: dict[str, Environment],
) -> None:
    """What prod does has been seen in dev and in staging."""
    steps = {name: set(one.machines["retrain"]["States"]) for name, one in environments.items()}
    assert steps["dev"] == steps["staging"]
    assert steps["prod"] - steps["dev"] == {"AwaitingApproval"}
    assert steps["dev"] - steps["prod"] == {"Promote", "Promoted"}
