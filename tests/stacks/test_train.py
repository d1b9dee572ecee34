"""What the train machine makes of a job that failed, by the deployed definition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stacks.evaluated import RUN, evaluate, evaluated, request
from tests.stacks.resolved import Environment, Json

TYPES = ["ml.p3.2xlarge", "ml.g5.xlarge"]


@pytest.fixture(scope="session")
def train(variants: dict[str, Environment]) -> dict[str, Json]:
    states: dict[str, Json] = variants["fallback"].machines["train"]["States"]
    return states


def after(states: dict[str, Json], cause: Any, *, type: int = 0, repeats: int = 0) -> tuple[str, Json]:
    """Where a failure leads, and what is remembered on the way."""
    (catcher,) = states["Train"]["Catch"]
    # $parse is Step Functions' own; $eval reads JSON as well, and is not there on AWS.
    expression = catcher["Assign"]["reason"].replace("$parse(", "$eval(")
    reason = evaluate(expression, states={"errorOutput": {"Cause": json.dumps(cause)}})
    known = {"reason": reason, "type": type, "repeats": repeats}
    for rule in states["WhyDidItFail"]["Choices"]:
        if evaluate(rule["Condition"], **known):
            return rule["Next"], evaluated(rule["Assign"], **known)
    return states["WhyDidItFail"]["Default"], known


@pytest.mark.parametrize(
    "cause",
    [
        {"FailureReason": "CapacityError: Unable to provision requested ML compute capacity"},
        {"FailureReason": "InsufficientCapacity: none is left"},
        {"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded"},
    ],
)
def test_without_capacity_the_next_type_is_taken(train: dict[str, Json], cause: Any) -> None:
    assert after(train, cause) == ("StartAgain", {"instanceType": TYPES[1], "type": 1})
    assert after(train, cause, type=1)[0] == "TrainFailed"


def test_a_fault_of_the_service_is_tried_again_twice(train: dict[str, Json]) -> None:
    cause = {"FailureReason": "InternalServerError: please retry"}
    assert after(train, cause) == ("WaitAWhile", {"repeats": 1})
    assert after(train, cause, repeats=2)[0] == "TrainFailed"


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ({"FailureReason": "AlgorithmError: 라벨이 하나뿐"}, "AlgorithmError: 라벨이 하나뿐"),
        (
            {"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"},
            "the job ended as MaxRuntimeExceeded",
        ),
        ({"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}, "the job ended as Stopped"),
    ],
)
def test_an_error_of_the_script_and_a_stop_are_final(train: dict[str, Json], cause: Any, reason: str) -> None:
    next_state, known = after(train, cause)
    assert (next_state, known["reason"]) == ("TrainFailed", reason)


def test_every_start_has_a_name_of_its_own_that_a_job_may_have(train: dict[str, Json]) -> None:
    names = [RUN]
    for start in range(3):
        names.append(evaluate(train["StartAgain"]["Assign"]["job"], firstJob=RUN, start=start))
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 36


@pytest.mark.parametrize(("instance_type", "has_key"), [(TYPES[0], True), (TYPES[1], False)])
def test_a_type_with_disks_of_its_own_gets_no_key_for_them(
    variants: dict[str, Environment], instance_type: str, has_key: bool
) -> None:
    asks = request(variants["fallback"], "train", "Train", instanceType=instance_type)
    assert asks["ResourceConfig"]["InstanceType"] == instance_type
    assert ("VolumeKmsKeyId" in asks["ResourceConfig"]) is has_key
    assert asks["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 1800


def launch(environment: Environment, instance_type: str) -> str | None:
    """Whether the toolkit is asked for torchrun."""
    asks = request(environment, "train", "Train", instanceType=instance_type)
    assert asks["HyperParameters"]["seed"] == "42"
    found: str | None = asks["HyperParameters"].get("sagemaker_torch_distributed_enabled")
    return found


@pytest.mark.parametrize(
    ("instance_type", "asked"),
    [("ml.g5.12xlarge", "true"), ("ml.g5.2xlarge", None), ("ml.p3.16xlarge", "true")],
)
def test_a_type_with_several_gpus_gets_a_process_for_each(
    variants: dict[str, Environment], instance_type: str, asked: str | None
) -> None:
    assert launch(variants["several"], instance_type) == asked


def test_one_gpu_trains_without_torchrun(variants: dict[str, Environment]) -> None:
    assert launch(variants["fallback"], TYPES[0]) is None


def test_several_instances_train_together(variants: dict[str, Environment]) -> None:
    together = variants["together"]
    assert request(together, "train", "Train")["ResourceConfig"]["InstanceCount"] == 2
    assert launch(together, together.settings.training.instance_type) == "true"


def test_a_run_is_a_trial_of_the_environments_experiment(train: dict[str, Json]) -> None:
    asks = train["Train"]["Arguments"]["ExperimentConfig"]
    tracked = evaluated(train["CreateTrial"]["Assign"], run=RUN)
    assert evaluated(asks, **tracked) == {"ExperimentName": "nunchi-fallback-retrain", "TrialName": RUN}
