"""Where ministack's interpreter of state machines differs from Step Functions in what we use, put right.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

import contextvars
import json
import threading
from collections.abc import Callable
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

Json = dict[str, Any]


def install() -> None:
    """Replace the functions of ministack that differ."""
    for name, replace in {
        "_apply_output_path": _with_output_of_succeed,
        "_execute_choice": _with_output_of_default,
        "_run_parallel_branches": _with_arguments_and_output,
        "_run_execution": _with_timeout,
    }.items():
        setattr(stepfunctions, name, replace(getattr(stepfunctions, name)))
    stepfunctions._apply_state_assign = _assign_at_once
    stepfunctions._nested_execution_failure = _failed_child


def _is_jsonata(state: Json, context: Json) -> bool:
    return bool(stepfunctions._state_query_language(state, context) == "JSONata")


def _with_output_of_succeed(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """A Succeed state has an Output."""

    def apply(state: Json, data: Any, context: Json) -> Any:
        if state.get("Type") == "Succeed" and _is_jsonata(state, context):
            return stepfunctions._apply_jsonata_output(state, data, context, default=data)
        return theirs(state, data, context)

    return apply


def _with_output_of_default(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """A Choice state's own Output belongs to its Default: the same as a last rule that always holds."""

    def execute(state: Json, data: Any, context: Json) -> Any:
        if "Default" in state and _is_jsonata(state, context):
            last = {"Condition": True, "Next": state["Default"]}
            last |= {key: state[key] for key in ("Output", "Assign") if key in state}
            state = {**state, "Choices": [*state["Choices"], last]}
        return theirs(state, data, context)

    return execute


def _with_arguments_and_output(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """A Parallel state has Arguments, Output and Assign."""

    def run(state: Json, data: Any, execution: Json, context: Json) -> Any:
        if not _is_jsonata(state, context):
            return theirs(state, data, execution, context)
        arguments = stepfunctions._apply_jsonata_arguments(state, data, context)
        results, following = theirs(state, arguments, execution, context)
        output = stepfunctions._apply_jsonata_output(state, data, context, result=results, default=results)
        stepfunctions._apply_state_assign(state, data, context, result=results)
        return output, following

    return run


def _assign_at_once(
    state: Json, data: Any, context: Json, result: Any = None, error_output: Any = None
) -> None:
    """All expressions of an Assign see the variables as they were before it."""
    if _is_jsonata(state, context):
        values = stepfunctions._apply_jsonata_template(
            state.get("Assign", {}), data, context, result=result, error_output=error_output
        )
        context["variables"].update(values)


def _with_timeout(theirs: Callable[[str], None]) -> Callable[[str], None]:
    """A state machine's own TimeoutSeconds ends the execution as TIMED_OUT."""

    def run(arn: str) -> None:
        execution = stepfunctions._executions[arn]
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {"definition": "{}"}
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds")
        if seconds is None:
            return theirs(arn)
        timer = threading.Timer(seconds, contextvars.copy_context().run, [_time_out, execution])
        timer.daemon = True
        timer.start()
        theirs(arn)
        timer.cancel()

    return run


def _time_out(execution: Json) -> None:
    if execution["status"] == "RUNNING":
        execution.update(status="TIMED_OUT", error="States.Timeout", stopDate=now_iso())
        stepfunctions._add_event(
            execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
        )
        stepfunctions._emit_execution_status_event(execution)


def _failed_child(payload: Json) -> tuple[str, str]:
    """``states:startExecution.sync`` fails as States.TaskFailed with the child's description as its cause."""
    names = (
        "executionArn",
        "stateMachineArn",
        "name",
        "status",
        "startDate",
        "stopDate",
        "input",
        "error",
        "cause",
    )
    cause = {key[0].upper() + key[1:]: payload[key] for key in names if key in payload}
    return "States.TaskFailed", json.dumps(cause, ensure_ascii=False)
