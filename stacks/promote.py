"""The promote state machine: a model package becomes the champion, or everything stays as it was.

CloudFormation stays the only owner of what serves. Promotion writes the champion parameter and has
the serving stack updated with its previous template: CloudFormation reads the parameter anew, and
swaps the model under the endpoint's own guardrails.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
"""

from __future__ import annotations

from constructs import Construct

from stacks.champion import Champion
from stacks.environment_stack import arn
from stacks.jsonata import query
from stacks.lock import Locks
from stacks.permissions import Permission
from stacks.promotion_checks import check
from stacks.promotion_ends import restore, succeed
from stacks.settings import Settings
from stacks.smoke_test import first_state, smoke_test, smoke_test_permissions
from stacks.states import CALLS, UNCHANGED, State, caught, choice, failure, refuse, task, when
from stacks.storage import Storage
from stacks.workflow import Workflow

# A new instance has up to an hour to become healthy, one after the other while traffic is shifted.
_LONGEST_SECONDS = 6 * 3600
# CloudFormation has no error of its own for this answer, only its text.
_NOTHING_CHANGED = "No updates are to be performed"


class Promote(Construct):
    """The state machine; its input is `{"model_package_arn": …}`, the ARN of an Approved package.

    The registry's events start it too: an approval promotes, a rejection is remembered.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        champion: Champion,
        serving_stack: str,
        storage: Storage,
        locks: Locks,
    ) -> None:
        """Build the state machine that promotes by updating the stack named `serving_stack`."""
        super().__init__(scope, "Promote")
        self.workflow = Workflow(
            self,
            part="promote",
            description="Promote: make a model package the champion, or put the previous one back",
            settings=settings,
            storage=storage,
            start_at="CheckInput",
            states={
                **check(champion, start="AskForLock", next="ReadServing"),
                # Another promotion's end is waited for: this one may be the better model's.
                **locks.take("promote", seconds=_LONGEST_SECONDS, when_busy="wait", next="ReadChampion"),
                **_at_rest(serving_stack, next="WriteChampion"),
                **_switch(settings, champion, serving_stack),
                **smoke_test(settings, next="MarkChampion", failed="RestoreChampion"),
                **restore(champion, serving_stack),
                **succeed(champion, next="ReleaseLock"),
                "ReleaseLock": locks.release("promote", next="Done"),
                "Done": {"Type": "Succeed", "Output": query("$end")},
                **failure(),
            },
            permissions=[
                *champion.promote_permissions(),
                Permission(
                    [
                        "cloudformation:DescribeStackEvents",
                        "cloudformation:DescribeStacks",
                        "cloudformation:UpdateStack",
                    ],
                    [arn("cloudformation", f"stack/{serving_stack}/*")],
                    because="A stack's ARN ends in an id that it gets when it is made",
                ),
                *smoke_test_permissions(settings),
                *locks.take_permissions(settings.name("promote"), "DeleteItem"),
            ],
        )


def _at_rest(serving_stack: str, *, next: str) -> dict[str, State]:
    return {
        "ReadServing": _describe(serving_stack, next="IsServingAtRest"),
        # A deployment or another promotion at work would refuse the update, after the champion was written.
        "IsServingAtRest": choice(
            when("$contains($stackStatus, /_IN_PROGRESS$/)", "RefuseForNow"), default=next
        ),
        "RefuseForNow": refuse(
            "Promote", f"'{serving_stack} is in ' & $stackStatus & '; promote again once it is at rest'"
        ),
    }


def _describe(serving_stack: str, *, next: str) -> State:
    return task(
        "aws-sdk:cloudformation:describeStacks",
        {"StackName": serving_stack},
        assign={"stackStatus": query("$states.result.Stacks[0].StackStatus")},
        next=next,
        # An update goes on whether or not it is watched: the watch must not end before it does.
        retry=[{**CALLS[0], "MaxAttempts": 20}],
    )


def _switch(settings: Settings, champion: Champion, serving_stack: str) -> dict[str, State]:
    return {
        "WriteChampion": champion.write(query("$package"), next="UpdateServing"),
        "UpdateServing": task(
            "aws-sdk:cloudformation:updateStack",
            {
                "StackName": serving_stack,
                "UsePreviousTemplate": True,
                # The batch transform's role is in it.
                "Capabilities": ["CAPABILITY_IAM"],
                "Parameters": [
                    {"ParameterKey": name, "UsePreviousValue": True}
                    for name in ("Champion", "BootstrapVersion")
                ],
            },
            # That nothing changed is an error, too.
            retry=[{**CALLS[0], "MaxAttempts": 2}],
            next="WaitForServing",
            catch=[caught("Promote", next="DoesItServeAlready")],
        ),
        "DoesItServeAlready": choice(
            when("$broughtBack", "NotBroughtBack"),
            when(f"$contains($states.input.message, '{_NOTHING_CHANGED}')", "MarkChampion"),
            default="RestoreChampion",
        ),
        "WaitForServing": {"Type": "Wait", "Seconds": 5, "Next": "DescribeServing"},
        "DescribeServing": _describe(serving_stack, next="IsServing"),
        "IsServing": choice(
            when("$contains($stackStatus, /_IN_PROGRESS$/)", "WaitForServing"),
            when("$stackStatus = 'UPDATE_COMPLETE'", "IsItTheNewModel"),
            when("$broughtBack", "NotBroughtBack"),
            default="RolledBack",
        ),
        "IsItTheNewModel": choice(
            when("$broughtBack", "IsItToBlame"), default=first_state(settings, otherwise="MarkChampion")
        ),
        # Restoring comes first: what follows may fail.
        "RolledBack": {
            "Type": "Pass",
            "Output": {
                "step": "Promote",
                "message": query("$stackStatus"),
                "mend": query(
                    "$stackStatus = 'UPDATE_ROLLBACK_FAILED' ? 'Nor could it be rolled back:"
                    f" aws cloudformation continue-update-rollback --stack-name {serving_stack}'"
                    f" : '{UNCHANGED}'"
                ),
            },
            "Assign": {"rolledBack": True},
            "Next": "RestoreChampion",
        },
    }
