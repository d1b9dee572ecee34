"""What people read on their phone: the notification's words, evaluated from the deployed definition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stacks.evaluated import evaluate, evaluated
from tests.stacks.resolved import ACCOUNT, REGION, Environment, Json

EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:nunchi-dev-retrain:1"


@pytest.fixture(scope="session")
def notify(environments: dict[str, Environment]) -> dict[str, Json]:
    states: dict[str, Json] = environments["dev"].machines["notify"]["States"]
    return states


def told(
    states: dict[str, Json], step: str = "Prepare", machine: str = "retrain", **detail: Any
) -> Json | None:
    """Subject and message for the end of an execution; None if nobody is told."""
    event = {
        "stateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nunchi-dev-{machine}",
        "executionArn": EXECUTION,
        "input": "{}",
        "output": None,
        "error": None,
        "cause": None,
        **detail,
    }
    # $parse is Step Functions' own; $eval reads JSON as well, and is not there on AWS.
    source = json.loads(json.dumps(states).replace("$parse(", "$eval("))
    known = evaluated(source["Begin"]["Assign"], states={"input": {"detail": event}})
    for rule in source["IsItTold"]["Choices"]:
        if evaluate(rule["Condition"], **known):
            known |= evaluated(rule.get("Assign", {}), **known)
            break
    else:
        history = {"Events": [{"Id": 9}, {"StateEnteredEventDetails": {"Name": step}}]}
        known |= evaluated(source["ReadHistory"]["Assign"], states={"result": history}, **known)
        known |= evaluated(source["Explain"]["Assign"], **known)
    if "message" not in known:
        return None
    asks: Json = evaluated(source["Tell"]["Arguments"], **known)
    return asks


def test_a_success_is_told_in_the_workflows_own_words(notify: dict[str, Json]) -> None:
    output = json.dumps({"outcome": "promoted", "message": "새 모델이 응답합니다"}, ensure_ascii=False)
    asks = told(notify, status="SUCCEEDED", output=output)
    assert asks
    assert asks["Subject"] == "[nunchi dev] retrain: promoted"
    assert asks["Message"] == f"새 모델이 응답합니다\n\nExecution: {EXECUTION}"


def test_a_failure_is_told_with_the_step_the_cause_and_what_to_do(notify: dict[str, Json]) -> None:
    asks = told(notify, status="FAILED", error="States.TaskFailed", cause='{"ExitMessage": "행 3: 라벨"}')
    assert asks
    assert asks["Subject"] == "[nunchi dev] retrain failed"
    first, nothing, serves, mend, *_ = asks["Message"].splitlines()
    assert (first, nothing) == ("Prepare failed: 행 3: 라벨", "")
    assert serves == "The model that serves has not changed."
    assert mend.endswith(f"aws stepfunctions redrive-execution --execution-arn {EXECUTION}")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ('{"ExitMessage": "행 3: 라벨", "FailureReason": "x"}', "행 3: 라벨"),
        ('{"FailureReason": "AlgorithmError: y"}', "AlgorithmError: y"),
        ('{"Error": "TrainFailed", "Cause": "z"}', "z"),
        ("no such key", "no such key"),
        ('{"FailureReason": "cut he', '{"FailureReason": "cut he'),
        (None, "States.Timeout"),
    ],
)
def test_a_failure_is_told_in_the_words_of_what_failed(
    notify: dict[str, Json], cause: str | None, words: str
) -> None:
    asks = told(notify, status="FAILED", error="States.Timeout", cause=cause)
    assert asks
    assert asks["Message"].splitlines()[0] == f"Prepare failed: {words}"


def test_a_failure_of_ours_says_all_by_itself(notify: dict[str, Json]) -> None:
    """It ended in a Fail state, and could not be redriven."""
    asks = told(notify, status="FAILED", error="InputFailed", cause="force must be true or false")
    assert asks
    assert asks["Message"].splitlines()[0] == "Input failed: force must be true or false"
    assert "redrive" not in asks["Message"]


@pytest.mark.parametrize(("status", "word"), [("ABORTED", "aborted"), ("TIMED_OUT", "timed out")])
def test_an_execution_that_was_stopped_is_told_of_too(
    notify: dict[str, Json], status: str, word: str
) -> None:
    asks = told(notify, "Train", status=status)
    assert asks
    assert asks["Subject"] == f"[nunchi dev] retrain {word}"
    assert asks["Message"].startswith(f"Train was {word}: nobody said why")


@pytest.mark.parametrize(
    "detail",
    [
        {"machine": "promote", "input": json.dumps({"started_by": EXECUTION}), "status": "FAILED"},
        {"status": "SUCCEEDED", "output": json.dumps({"outcome": "rejected", "quiet": True})},
    ],
)
def test_what_somebody_else_tells_or_knows_is_not_told(
    notify: dict[str, Json], detail: dict[str, Any]
) -> None:
    assert told(notify, **detail) is None


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_every_end_of_every_workflow_that_people_wait_for_starts_it(
    environments: dict[str, Environment], name: str
) -> None:
    environment = environments[name]
    (rule,) = (
        properties
        for _, _, properties in environment.of_type("AWS::Events::Rule")
        if properties["EventPattern"]["source"] == ["aws.states"]
    )
    detail = rule["EventPattern"]["detail"]
    assert detail["status"] == ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    assert {arn.rpartition(":")[2] for arn in detail["stateMachineArn"]} == {
        environment.settings.name(machine) for machine in ("retrain", "promote", "transform")
    }
    (target,) = rule["Targets"]
    assert target["Arn"].endswith(f":stateMachine:{environment.settings.name('notify')}")


def test_a_subject_is_one_that_sns_takes(notify: dict[str, Json]) -> None:
    """100 characters of ASCII."""
    output = json.dumps({"outcome": "a model awaits approval", "message": "x"})
    asks = told(notify, status="SUCCEEDED", output=output)
    assert asks
    assert asks["Subject"].isascii()
    assert len(asks["Subject"]) <= 100 - 6  # as much as an environment's name may have more
