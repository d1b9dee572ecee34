"""Where ministack's interpreter of state machines differs from Step Functions in what we use, put right.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

import json
import random
from typing import Any

from ministack.services import stepfunctions

from localaws.api import Json
from localaws.stepfunctions import nobody_waits

_their_output_path = stepfunctions._apply_output_path
_their_choice = stepfunctions._execute_choice
_their_execution = stepfunctions._run_execution
_their_retrier = stepfunctions._find_matching_retrier


REFUSED = {
    "Map",
    "Parallel",
    "arn:aws:states:::states:startExecution",  # without .sync
}


def install() -> None:
    """Replace the functions of ministack that differ."""
    stepfunctions._apply_output_path = _with_output_of_succeed
    stepfunctions._execute_choice = _with_output_of_default
    stepfunctions._run_execution = _refuse_or_run
    stepfunctions._apply_state_assign = _assign_at_once
    stepfunctions._nested_execution_failure = _failed_child
    stepfunctions._find_matching_retrier = _with_delay


def _is_jsonata(state: Json, context: Json) -> bool:
    return bool(stepfunctions._state_query_language(state, context) == "JSONata")


def _with_output_of_succeed(state: Json, data: Any, context: Json) -> Any:
    """A Succeed state has an Output."""
    if state.get("Type") == "Succeed" and _is_jsonata(state, context):
        return stepfunctions._apply_jsonata_output(state, data, context, default=data)
    return _their_output_path(state, data, context)


def _with_output_of_default(state: Json, data: Any, context: Json) -> Any:
    """A Choice state's own Output belongs to its Default: the same as a last rule that always holds."""
    if "Default" in state and _is_jsonata(state, context):
        last = {"Condition": True, "Next": state["Default"]}
        last |= {key: state[key] for key in ("Output", "Assign") if key in state}
        state = {**state, "Choices": [*state["Choices"], last]}
    return _their_choice(state, data, context)


def _refuse_or_run(arn: str) -> None:
    """An execution fails whose definition has what ministack passes over without a word."""
    execution = stepfunctions._executions[arn]
    # One that another waits for tells EventBridge of its end all the same; what that starts is on its own.
    if not execution.pop("sync", False):
        nobody_waits()
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"], {"definition": "{}"})
    try:
        definition = json.loads(machine["definition"])
    except ValueError:
        definition = {}  # ministack says what is wrong
    states = definition.get("States", {}).values()
    found = {state.get("Type") for state in states} | {state.get("Resource") for state in states}
    if refused := [*(found & REFUSED), *(definition.keys() & {"TimeoutSeconds"})]:
        cause = f"localaws does not implement {', '.join(refused)} of a state machine"
        stepfunctions._fail_execution(execution, "States.Runtime", cause)
    else:
        _their_execution(arn)


def _assign_at_once(state: Json, data: Any, context: Json, **more: Any) -> None:
    """All expressions of an Assign see the variables as they were before it."""
    if _is_jsonata(state, context):
        assign = state.get("Assign", {})
        values = stepfunctions._apply_jsonata_template(assign, data, context, **more)
        context["variables"].update(values)


def _failed_child(payload: Json) -> tuple[str, str]:
    """``states:startExecution.sync`` fails as States.TaskFailed with the child's description as its cause."""
    cause = {key[0].upper() + key[1:]: value for key, value in payload.items() if key != "output"}
    return "States.TaskFailed", json.dumps(cause, ensure_ascii=False)


def _with_delay(retriers: list[Json], error: str, attempts: dict[int, int]) -> tuple[Json | None, int]:
    """A retrier has a MaxDelaySeconds and a JitterStrategy; what is returned waits as they say."""
    retrier, index = _their_retrier(retriers, error, attempts)
    if retrier is None:
        return None, index
    seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** attempts.get(index, 0)
    seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
    if retrier.get("JitterStrategy") == "FULL":
        seconds = random.uniform(0, seconds)  # noqa: S311  # no secret
    return {**retrier, "IntervalSeconds": seconds, "BackoffRate": 1}, index
