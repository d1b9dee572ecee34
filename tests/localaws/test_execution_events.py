"""The end of an execution, as an event that starts another one."""

import json
from typing import Any

from localaws import LocalAws
from tests.localaws.helpers import ROLE, run_machine, wait
from tests.localaws.test_stepfunctions import task


def made(aws: LocalAws, name: str, states: dict[str, Any]) -> str:
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    machine = aws.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=ROLE
    )
    return str(machine["stateMachineArn"])


def test_what_hears_of_a_child_outlives_the_parent_that_fails_with_it(aws: LocalAws, name: str) -> None:
    events, states = aws.client("events"), aws.client("stepfunctions")
    ask = task("aws-sdk:sts:getCallerIdentity", {})
    hears = made(aws, f"{name}-hears", {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Ask"}, "Ask": ask})
    child = made(aws, f"{name}-child", {"Fail": {"Type": "Fail", "Error": "No", "Cause": "no"}})
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [child], "status": ["FAILED"]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "hears", "Arn": hears, "RoleArn": ROLE}])
    start = task("states:startExecution.sync:2", {"StateMachineArn": child, "Input": {}})
    assert run_machine(aws, name, {"Start": start})["status"] == "FAILED"

    def ended() -> Any:
        found = states.list_executions(stateMachineArn=hears)["executions"]
        return [one["status"] for one in found if one["status"] != "RUNNING"]

    assert wait(ended) == ["SUCCEEDED"]
