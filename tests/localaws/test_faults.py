"""Faults that a state meets because somebody ordered them."""

from collections.abc import Iterator
from typing import Any

import pytest

from localaws import LocalAws
from tests.localaws.helpers import run_machine, succeed
from tests.localaws.test_stepfunctions import caught, task, training
from tests.localaws.test_training import source as source

THROTTLED: dict[str, Any] = {"error": "ThrottlingException", "status": 400, "message": "Rate exceeded"}
ASK = task("aws-sdk:sts:getCallerIdentity", {})


@pytest.fixture(autouse=True)
def no_faults_afterwards(aws: LocalAws) -> Iterator[None]:
    yield
    aws.clear_faults()


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        ("aws-sdk:ssm:getParameter", {"Name": "/x"}, "Ssm.ThrottlingException"),
        ("aws-sdk:cloudformation:describeStacks", {}, "CloudFormation.CloudFormationException"),
        ("aws-sdk:dynamodb:getItem", {}, "DynamoDb.ThrottlingException"),
        ("sns:publish", {"TopicArn": "x", "Message": "x"}, "SNS.AmazonSNSException"),
        ("sagemaker:createTrainingJob.sync", {}, "SageMaker.AmazonSageMakerException"),
        (
            "states:startExecution.sync:2",
            {"StateMachineArn": "x"},
            "StepFunctions.AWSStepFunctionsException",
        ),
    ],
)
def test_a_call_is_answered_as_its_service_would_answer(
    aws: LocalAws, name: str, resource: str, arguments: dict[str, str], error: str
) -> None:
    aws.inject(name, "Task", **THROTTLED)
    found = caught(aws, name, task(resource, arguments))
    assert found["Error"] == error
    assert found["Cause"].startswith("Rate exceeded (Service: ")


def test_it_passes_after_so_many_times(aws: LocalAws, name: str) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2, "IntervalSeconds": 0}]
    aws.inject(name, "Ask", **THROTTLED, times=2)
    assert "Account" in succeed(aws, name, {"Ask": ASK | {"Retry": retry}})


def test_it_stays_for_ever_without_a_number(aws: LocalAws, name: str) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2, "IntervalSeconds": 0}]
    aws.inject(name, "Ask", **THROTTLED)
    assert run_machine(aws, name, {"Ask": ASK | {"Retry": retry}})["status"] == "FAILED"


def test_another_state_meets_nothing(aws: LocalAws, name: str) -> None:
    aws.inject(name, "Elsewhere", **THROTTLED)
    aws.inject("elsewhere", "Ask", **THROTTLED)
    assert "Account" in succeed(aws, name, {"Ask": ASK})


def test_a_call_times_out(aws: LocalAws, name: str) -> None:
    aws.inject(name, "Ask", timeout=True)
    assert run_machine(aws, name, {"Ask": ASK})["error"] == "States.Timeout"


def test_a_job_fails_for_the_reason_that_was_ordered(
    aws: LocalAws, bucket: str, source: str, name: str
) -> None:
    aws.inject(name, "Task", job="fail", reason="CapacityError: no ml.p3.2xlarge is left")
    error = caught(aws, name, training(name, bucket, source, behaviour="sleep"))
    assert error["Error"] == "States.TaskFailed"
    assert '"FailureReason": "CapacityError: no ml.p3.2xlarge is left"' in error["Cause"]
    assert '"TrainingJobStatus": "Failed"' in error["Cause"]


def test_a_job_is_stopped_from_outside(aws: LocalAws, bucket: str, source: str, name: str) -> None:
    aws.inject(name, "Task", job="stop")
    error = caught(aws, name, training(name, bucket, source, behaviour="sleep"))
    assert '"TrainingJobStatus": "Stopped"' in error["Cause"]


def test_a_job_that_takes_too_long_is_stopped(aws: LocalAws, bucket: str, source: str, name: str) -> None:
    aws.inject(name, "Task", timeout=True)
    error = caught(aws, name, training(name, bucket, source, behaviour="sleep"))
    assert error["Error"] == "States.Timeout"
    status = aws.client("sagemaker").describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
    assert status in ("Stopping", "Stopped")


def test_what_is_left_is_told_and_removed(aws: LocalAws, name: str) -> None:
    aws.inject(name, "Ask", **THROTTLED, times=2)
    assert aws.clear_faults() == [{"machine": name, "state": "Ask", **THROTTLED, "times": 2}]
    assert aws.clear_faults() == []
