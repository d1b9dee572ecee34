"""Redriving an execution, which ministack lacks: it goes on at the state that it ended in.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

import contextvars
import copy
import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack import app
from ministack.core.responses import error_response_json, json_response, now_iso
from ministack.services import stepfunctions

from localaws.api import Json

_STATES = ("_execute_pass", "_execute_task", "_execute_choice", "_execute_wait")

_their_handler = app.SERVICE_HANDLERS["states"]
_their_fail = stepfunctions._fail_state_error
_their_description = stepfunctions._describe_execution


def install() -> None:
    """Take over the operation, and remember what every state began with."""
    for name in _STATES:
        setattr(stepfunctions, name, partial(_remembering, getattr(stepfunctions, name)))
    stepfunctions._fail_state_error = _remembering_failure
    stepfunctions._describe_execution = _with_redrives
    app.SERVICE_HANDLERS["states"] = _handle


async def _handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
    if not headers.get("x-amz-target", "").endswith(".RedriveExecution"):
        return await _their_handler(method, path, headers, body, query)
    arn = json.loads(body)["executionArn"]
    execution = stepfunctions._executions.get(arn)
    if execution is None:
        return error_response_json("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400)
    if execution["status"] in ("RUNNING", "SUCCEEDED"):
        message = f"Execution is {execution['status']} and cannot be redriven"
        return error_response_json("ExecutionNotRedrivable", message, 400)
    redrives = execution.get("redriveCount", 0) + 1
    execution |= {"status": "RUNNING", "output": None, "error": None, "cause": None, "stopDate": None}
    execution |= {"redriveCount": redrives, "redriveDate": now_iso(), "redriven": True}
    details = {"executionRedrivenEventDetails": {"redriveCount": redrives}}
    stepfunctions._add_event(execution, "ExecutionRedriven", details)
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(stepfunctions._run_execution, arn), daemon=True).start()
    return stepfunctions._finalize_response(json_response({"redriveDate": execution["redriveDate"]}))


def _remembering(theirs: Callable[..., Any], state: Json, data: Any, *rest: Any) -> Any:
    """Keep what a state begins with; a redriven execution jumps from its first state to where it ended."""
    context = rest[-1]
    execution = _execution_of(context)
    context["Execution"]["RedriveCount"] = execution.get("redriveCount", 0)
    if execution.pop("redriven", False):
        name, data, variables = execution["reached"]
        context["variables"].update(variables)
        return data, name
    _remember(data, context)
    return theirs(state, data, *rest)


def _remembering_failure(state: Json, data: Any, context: Json) -> Any:
    _remember(data, context)
    return _their_fail(state, data, context)


def _execution_of(context: Json) -> Json:
    execution: Json = stepfunctions._executions[context["Execution"]["Id"]]
    return execution


def _remember(data: Any, context: Json) -> None:
    execution = _execution_of(context)
    execution["reached"] = copy.deepcopy((context["State"]["Name"], data, context["variables"]))


def _with_redrives(request: Json) -> Any:
    status, headers, body = _their_description(request)
    if status == 200:
        execution = stepfunctions._executions[request["executionArn"]]
        redrivable = execution["status"] not in ("RUNNING", "SUCCEEDED")
        more = {
            "redriveCount": execution.get("redriveCount", 0),
            "redriveStatus": "REDRIVABLE" if redrivable else "NOT_REDRIVABLE",
        }
        body = json.dumps(json.loads(body) | more).encode()
    return status, headers, body
