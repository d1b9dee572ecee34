"""States of the Amazon States Language, in JSONata, as dictionaries.

The CDK's L2 tasks lack processing jobs and model packages, and its `CustomState` drops a catcher's
output, so the definitions are written in the language itself:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

from typing import Any

from stacks.jsonata import query

State = dict[str, Any]

# A failed job's Cause is the job's description as JSON, with the script's own message in it. One that
# was cut (at 32,768 characters) is no JSON any more.
_MESSAGE = query(
    "($cause := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : $states.errorOutput.Error;"
    " $job := $contains($cause, /^\\{[\\s\\S]*\\}$/) ? $parse($cause) : {};"
    " $exists($job.ExitMessage) ? $job.ExitMessage"
    " : $exists($job.FailureReason) ? $job.FailureReason"
    " : $exists($job.Cause) ? $job.Cause : $cause)"
)

UNCHANGED = "The model that serves has not changed."


def task(
    resource: str,
    arguments: State,
    *,
    next: str,
    catch: list[State],
    assign: State | None = None,
    output: Any = "{% $states.input %}",
    retry: list[State] | None = None,
    timeout_seconds: int | None = None,
) -> State:
    """A task that calls `resource`, as in `aws-sdk:ssm:getParameter`; its input is its output."""
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


def publish(topic_arn: str, subject: str, message: str, *, next: str) -> State:
    """A task that tells people the JSONata string `message`; one that fails is passed over."""
    return task(
        "sns:publish",
        {"TopicArn": topic_arn, "Subject": subject, "Message": query(message)},
        next=next,
        catch=[regardless(next)],
    )


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
        "Next": "NotifyFailure",
    }


def caught(step: str, *, next: str = "NotifyFailure", mend: str = "") -> State:
    """A catcher that goes on with which step failed, why in its own words, and what to do."""
    return {
        "ErrorEquals": ["States.ALL"],
        "Output": {"step": step, "message": _MESSAGE, "mend": mend or UNCHANGED},
        "Next": next,
    }


def regardless(next: str) -> State:
    """A catcher that goes on as if nothing had been the matter."""
    return {"ErrorEquals": ["States.ALL"], "Output": "{% $states.input %}", "Next": next}


def failure(topic_arn: str, title: str) -> dict[str, State]:
    """The states that every failure ends in: their input is `{step, message, mend}`."""
    return {
        "NotifyFailure": publish(
            topic_arn,
            f"{title} failed",
            "$states.input.step & ' failed: ' & $states.input.message"
            " & '\\n\\n' & $states.input.mend & '\\nExecution: ' & $states.context.Execution.Id",
            next="Failed",
        ),
        "Failed": {
            "Type": "Fail",
            "Error": query("$states.input.step & 'Failed'"),
            "Cause": query("$states.input.message"),
        },
    }
