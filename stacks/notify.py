"""The notification: one message for each execution's end, whatever the end, readable on a phone.

The end itself starts it, as an event, so an execution that is stopped by hand is told of too, and no
failure has to be caught to be told of.
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

from constructs import Construct

from stacks.dead_letters import DeadLetters
from stacks.environment_stack import arn
from stacks.jsonata import query, source
from stacks.lock import Locks
from stacks.permissions import Permission
from stacks.rule import make_rule
from stacks.settings import Settings
from stacks.states import UNCHANGED, State, choice, in_its_own_words, regardless, task, when
from stacks.storage import Storage
from stacks.workflow import Workflow

TOLD = ("retrain", "promote", "transform")
"""The state machines whose executions are told of."""

_SERVES = {
    "retrain": UNCHANGED,
    "promote": "What serves: see the runbook, if the step came after WriteChampion.",
    "transform": "What has no predictions yet is scored by the next execution.",
}


class Notify(Construct):
    """The state machine, and the rule that starts it."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        storage: Storage,
        locks: Locks,
        topic_arn: str,
        dead_letters: DeadLetters,
    ) -> None:
        """Build both; they publish to the topic, and give the locks of what has ended back."""
        super().__init__(scope, "Notify")
        names = {part: settings.name(part) for part in TOLD}
        executions = [arn("states", f"execution:{name}:*") for name in names.values()]
        workflow = Workflow(
            self,
            part="notify",
            description="Notify: tell people how an execution ended",
            settings=settings,
            storage=storage,
            start_at="Begin",
            states=_states(settings, names, locks, topic_arn),
            permissions=[
                *locks.permissions("DeleteItem"),
                Permission(
                    ["states:GetExecutionHistory"], executions, because="Each execution has its own name"
                ),
                # The topic is encrypted.
                Permission(["kms:Decrypt", "kms:GenerateDataKey"], [storage.key_arn]),
                Permission(["sns:Publish"], [topic_arn]),
            ],
        )
        make_rule(
            self,
            settings=settings,
            part="notify",
            description="an execution ended",
            pattern={
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"],
                    "stateMachineArn": [arn("states", f"stateMachine:{name}") for name in names.values()],
                },
            },
            state_machine_arn=workflow.state_machine.ref,
            dead_letters=dead_letters,
        )


def _states(settings: Settings, names: dict[str, str], locks: Locks, topic_arn: str) -> dict[str, State]:
    parts = source({name: part for part, name in names.items()})
    detail = "$states.input.detail"
    subject = f"'[nunchi {settings.environment}] ' & $part & "
    # An execution that was stopped by hand may have no cause, and then no error either.
    cause = (
        f"$type({detail}.cause) = 'string' ? {detail}.cause"
        f" : $type({detail}.error) = 'string' ? {detail}.error : 'nobody said why'"
    )
    return {
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "part": query(f"$lookup({parts}, $split({detail}.stateMachineArn, ':')[-1])"),
                "execution": query(f"{detail}.executionArn"),
                "status": query(f"{detail}.status"),
                "cause": query(in_its_own_words(cause)),
                "error": query(f"$type({detail}.error) = 'string' ? {detail}.error : ''"),
                "own": query(
                    f"$type({detail}.error) = 'string' and $contains({detail}.error, /^[A-Za-z]+Failed$/)"
                ),
                "output": query(f"$type({detail}.output) = 'string' ? $parse({detail}.output) : {{}}"),
                "asked": query(f"$type({detail}.input) = 'string' ? $parse({detail}.input) : {{}}"),
            },
            "Next": "ReleaseLock",
        },
        "ReleaseLock": locks.release(query("$part"), holder="$execution", next="IsItTold"),
        "IsItTold": choice(
            # Another execution waits for this one, and its end will tell.
            when("$type($asked) = 'object' and $exists($asked.started_by)", "Quiet"),
            when("$type($output) = 'object' and $output.quiet = true", "Quiet"),
            when(
                "$status = 'SUCCEEDED'",
                "Tell",
                subject=f"{subject}': ' & $output.outcome",
                message="$output.message",
            ),
            # A state of ours ended it, in words that say all.
            when(
                "$own",
                "Tell",
                subject=f"{subject}' failed'",
                message="$replace($error, /Failed$/, '') & ' failed: ' & $cause",
            ),
            default="ReadHistory",
        ),
        "Quiet": {"Type": "Succeed"},
        "ReadHistory": task(
            "aws-sdk:sfn:getExecutionHistory",
            {"ExecutionArn": query("$execution"), "ReverseOrder": True, "MaxResults": 50},
            assign={
                "step": query("($states.result.Events.StateEnteredEventDetails.Name)[0]"),
            },
            next="Explain",
            # Without its step, it is told all the same.
            catch=[{**regardless("Explain"), "Assign": {"step": "A step"}}],
        ),
        "Explain": {
            "Type": "Pass",
            "Assign": {
                "subject": query(f"{subject}' ' & $lowercase($replace($status, '_', ' '))"),
                "message": query(
                    "($status = 'FAILED' ? $step & ' failed: '"
                    " : $step & ' was ' & $lowercase($replace($status, '_', ' ')) & ': ')"
                    f" & $cause & '\\n\\n' & $lookup({source(_SERVES)}, $part)"
                    " & '\\nTo go on at this step: aws stepfunctions redrive-execution --execution-arn '"
                    " & $execution"
                ),
            },
            "Next": "Tell",
        },
        "Tell": task(
            "sns:publish",
            {
                "TopicArn": topic_arn,
                # A subject takes 100 characters of ASCII.
                "Subject": query("$subject"),
                "Message": query("$message & '\\n\\nExecution: ' & $execution"),
            },
            next="Told",
        ),
        "Told": {"Type": "Succeed"},
    }
