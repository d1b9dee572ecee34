"""States of the Amazon States Language, in JSONata, as dictionaries.

The CDK's L2 tasks lack processing jobs and model packages, and its `CustomState` drops a catcher's
output, so the definitions are written in the language itself:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

from typing import Any

from stacks.jsonata import query

State = dict[str, Any]

# Jitter, so that what was throttled together does not come back together.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
CALLS: list[State] = [
    {
        "ErrorEquals": ["States.TaskFailed", "States.Timeout"],
        "IntervalSeconds": 2,
        "BackoffRate": 1.5,
        "MaxAttempts": 5,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }
]
"""Of an API's call: whatever it is answered, it does no harm to ask again."""
JOBS: list[State] = [
    {
        # Of the request alone: a job that fails is States.TaskFailed, and would fail once more.
        "ErrorEquals": [
            "SageMaker.AmazonSageMakerException",
            "SageMaker.ResourceLimitExceededException",
            "StepFunctions.AWSStepFunctionsException",
        ],
        "IntervalSeconds": 30,
        "BackoffRate": 1.5,
        "MaxAttempts": 6,
        "MaxDelaySeconds": 600,
        "JitterStrategy": "FULL",
    }
]
"""Of what runs for long: throttling, the service's own errors, and a quota that others use up."""
CALL_SECONDS = 120
"""After which a call is given up, and made again."""


def in_its_own_words(cause: str) -> str:
    """JSONata: what the Cause of an error says to a person.

    A failed job's is the job's description as JSON, with the script's own message in it. One that was
    cut (at 32,768 characters) is no JSON any more.
    """
    return (
        f"($cause := {cause};"
        " $job := $contains($cause, /^\\{[\\s\\S]*\\}$/) ? $parse($cause) : {};"
        " $exists($job.ExitMessage) ? $job.ExitMessage"
        " : $exists($job.FailureReason) ? $job.FailureReason"
        " : $exists($job.Cause) ? $job.Cause : $cause)"
    )


ERROR = "$exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : $states.errorOutput.Error"

UNCHANGED = "The model that serves has not changed."


def task(
    resource: str,
    arguments: State,
    *,
    next: str,
    catch: list[State] | None = None,
    assign: State | None = None,
    output: Any = "{% $states.input %}",
    retry: list[State] | None = None,
    timeout_seconds: int | None = None,
) -> State:
    """A task that calls `resource`, as in `aws-sdk:ssm:getParameter`; its input is its output.

    An error that no `catch` takes fails the execution, which can then be redriven from this very task.
    """
    runs_for_long = ".sync" in resource
    if retry is None:
        retry = JOBS if runs_for_long else CALLS
    if timeout_seconds is None and not runs_for_long:
        timeout_seconds = CALL_SECONDS
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Arguments": arguments,
        "Assign": assign,
        "Output": output,
        "TimeoutSeconds": timeout_seconds,
        "Retry": retry,
        "Catch": catch,
        "Next": next,
    }
    return {key: value for key, value in state.items() if value is not None}


def choice(*rules: State, default: str) -> State:
    """A choice between `rules`, the first that holds."""
    return {"Type": "Choice", "Choices": list(rules), "Default": default}


def when(condition: str, next: str, **assign: str) -> State:
    """A rule of a choice: where to go when the JSONata `condition` holds, and what to remember."""
    rule: State = {"Condition": query(condition), "Next": next}
    return {**rule, "Assign": {name: query(value) for name, value in assign.items()}} if assign else rule


def refuse(step: str, message: str) -> State:
    """A state that ends in failure because of the JSONata string `message`."""
    return {
        "Type": "Pass",
        "Output": {"step": step, "message": query(message), "mend": UNCHANGED},
        "Next": "Failed",
    }


def caught(step: str, *, next: str, mend: str = UNCHANGED) -> State:
    """A catcher that goes on with which step failed, why in its own words, and what to do."""
    return {
        "ErrorEquals": ["States.ALL"],
        "Output": {"step": step, "message": query(in_its_own_words(ERROR)), "mend": mend},
        "Next": next,
    }


def regardless(next: str) -> State:
    """A catcher that goes on as if nothing had been the matter."""
    return {"ErrorEquals": ["States.ALL"], "Output": "{% $states.input %}", "Next": next}


def failure() -> dict[str, State]:
    """The state of the failures that are ours to tell: its input is `{step, message, mend}`."""
    return {
        "Failed": {
            "Type": "Fail",
            "Error": query("$states.input.step & 'Failed'"),
            "Cause": query("$states.input.message & '\\n\\n' & $states.input.mend"),
        },
    }
