"""Executions that go on where they ended."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import run_machine, start_machine, wait, wait_machine
from tests.localaws.test_stepfunctions import task

# The second state fails until there is the parameter.
STATES: dict[str, Any] = {
    "First": {"Type": "Pass", "Assign": {"kept": "{% $states.input.text %}"}, "Output": "말", "Next": "Read"},
    "Read": task(
        "aws-sdk:ssm:getParameter",
        {"Name": "{% '/' & $states.context.StateMachine.Name %}"},
        Output="{% [$states.input, $kept, $states.context.Execution.RedriveCount] %}",
        Next="Done",
    ),
    "Done": {"Type": "Succeed"},
}


def redrive(aws: LocalAws, execution: str) -> dict[str, Any]:
    aws.client("stepfunctions").redrive_execution(executionArn=execution)
    return wait_machine(aws, execution)


def entered(aws: LocalAws, execution: str) -> list[str]:
    events = aws.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    return [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]


def test_it_goes_on_at_the_state_that_failed_with_its_input_and_variables(aws: LocalAws, name: str) -> None:
    failed = run_machine(aws, name, STATES, {"text": "좋아요"})
    assert failed["error"] == "Ssm.ParameterNotFoundException"
    assert (failed["redriveCount"], failed["redriveStatus"]) == (0, "REDRIVABLE")
    aws.client("ssm").put_parameter(Name=f"/{name}", Value="x", Type="String")
    ended = redrive(aws, failed["executionArn"])
    assert json.loads(ended["output"]) == ["말", "좋아요", 1]
    assert ended["redriveCount"] == 1


def test_one_that_fails_again_can_be_redriven_again(aws: LocalAws, name: str) -> None:
    failed = run_machine(aws, name, STATES, {"text": "x"})
    assert redrive(aws, failed["executionArn"])["status"] == "FAILED"
    aws.client("ssm").put_parameter(Name=f"/{name}", Value="x", Type="String")
    assert json.loads(redrive(aws, failed["executionArn"])["output"]) == ["말", "x", 2]


def test_one_that_ended_in_a_fail_state_fails_there_again(aws: LocalAws, name: str) -> None:
    states = {"First": {"Type": "Pass", "Next": "No"}, "No": {"Type": "Fail", "Error": "Gate", "Cause": "x"}}
    failed = run_machine(aws, name, states)
    assert redrive(aws, failed["executionArn"])["error"] == "Gate"
    assert entered(aws, failed["executionArn"])[-1] == "No"


def test_one_that_was_stopped_goes_on_where_it_was_stopped(aws: LocalAws, name: str) -> None:
    states = {"Wait": {"Type": "Wait", "Seconds": 2, "Next": "Done"}, "Done": {"Type": "Succeed"}}
    execution = start_machine(aws, name, states)
    wait(lambda: entered(aws, execution))
    aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert redrive(aws, execution)["status"] == "SUCCEEDED"


def test_one_that_succeeded_cannot_be_redriven(aws: LocalAws, name: str) -> None:
    ended = run_machine(aws, name, {"Done": {"Type": "Succeed"}})
    with pytest.raises(ClientError, match="ExecutionNotRedrivable"):
        redrive(aws, ended["executionArn"])


def test_one_that_is_not_there_cannot_be_redriven(aws: LocalAws, name: str) -> None:
    ended = run_machine(aws, name, {"Done": {"Type": "Succeed"}})
    with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
        redrive(aws, ended["executionArn"] + "-not")
