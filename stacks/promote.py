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
from stacks.permissions import Permission
from stacks.promotion_ends import put_right, restore, succeed
from stacks.settings import Settings
from stacks.states import UNCHANGED, State, caught, choice, failure, refuse, task, when
from stacks.storage import Storage
from stacks.workflow import Workflow

# CloudFormation has no error of its own for this answer, only its text.
_NOTHING_CHANGED = "No updates are to be performed"


class Promote(Construct):
    """The state machine; its input is `{"model_package_arn": …}`, the ARN of an Approved package."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        champion: Champion,
        serving_stack: str,
        storage: Storage,
        topic_arn: str,
    ) -> None:
        """Build the state machine that promotes by updating the stack named `serving_stack`."""
        super().__init__(scope, "Promote")
        title = f"[nunchi {settings.environment}] promotion"
        self.workflow = Workflow(
            self,
            part="promote",
            description="Promote: make a model package the champion, or put the previous one back",
            settings=settings,
            storage=storage,
            start_at="CheckInput",
            states={
                **_check(champion, serving_stack),
                **_switch(champion, serving_stack, settings.champion_parameter),
                **restore(champion, serving_stack, settings.champion_parameter),
                **succeed(champion, topic_arn, title),
                **failure(topic_arn, title),
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
                # The topic is encrypted.
                Permission(["kms:Decrypt", "kms:GenerateDataKey"], [storage.key_arn]),
                Permission(["sns:Publish"], [topic_arn]),
            ],
        )


def _check(champion: Champion, serving_stack: str) -> dict[str, State]:
    return {
        "CheckInput": choice(
            when(
                "$exists($states.input.model_package_arn)",
                "ReadChampion",
                package="$states.input.model_package_arn",
                rolledBack="false",
            ),
            default="RefuseInput",
        ),
        "RefuseInput": refuse("Input", '\'the execution input must be {"model_package_arn": "arn:…"}\''),
        "ReadChampion": champion.read(
            assign={"previous": query("$states.result.Parameter.Value")},
            next="DescribePackage",
            catch=[caught("ReadChampion")],
        ),
        "DescribePackage": champion.describe_package(
            query("$package"),
            assign={
                "approval": query("$states.result.ModelApprovalStatus"),
                # What a person registered may have no description.
                "about": query(
                    "$exists($states.result.ModelPackageDescription)"
                    " ? '\\n' & $states.result.ModelPackageDescription : ''"
                ),
            },
            next="IsApproved",
            catch=[caught("DescribePackage")],
        ),
        "IsApproved": choice(when("$approval = 'Approved'", "ReadServing"), default="RefusePackage"),
        "RefusePackage": refuse("Promote", "$package & ' is ' & $approval & ', not Approved'"),
        "ReadServing": _describe(serving_stack, next="IsServingAtRest", catch=[caught("ReadServing")]),
        # A deployment or another promotion at work would refuse the update, after the champion was written.
        "IsServingAtRest": choice(
            when("$contains($stackStatus, /_IN_PROGRESS$/)", "RefuseForNow"), default="WriteChampion"
        ),
        "RefuseForNow": refuse(
            "Promote", f"'{serving_stack} is in ' & $stackStatus & '; promote again once it is at rest'"
        ),
    }


def _describe(
    serving_stack: str, *, next: str, catch: list[State], retry: list[State] | None = None
) -> State:
    return task(
        "aws-sdk:cloudformation:describeStacks",
        {"StackName": serving_stack},
        assign={"stackStatus": query("$states.result.Stacks[0].StackStatus")},
        next=next,
        retry=retry,
        catch=catch,
    )


def _switch(champion: Champion, serving_stack: str, parameter: str) -> dict[str, State]:
    return {
        "WriteChampion": champion.write(
            query("$package"), next="UpdateServing", catch=[caught("WriteChampion")]
        ),
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
            next="WaitForServing",
            catch=[caught("Promote", next="DoesItServeAlready")],
        ),
        "DoesItServeAlready": choice(
            when(f"$contains($states.input.message, '{_NOTHING_CHANGED}')", "MarkChampion"),
            default="RestoreChampion",
        ),
        "WaitForServing": {"Type": "Wait", "Seconds": 5, "Next": "DescribeServing"},
        "DescribeServing": _describe(
            serving_stack,
            next="IsServing",
            # The update goes on whether or not it is watched: one throttled look must not end the watch.
            retry=[
                {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 10, "BackoffRate": 1.5}
            ],
            catch=[
                caught(
                    "DescribeServing",
                    mend=f"The update of {serving_stack} may still be at work. If it ends in"
                    f" UPDATE_COMPLETE all is well; if it rolls back, promote the model that serves again: it"
                    f" is no longer what {parameter} says.",
                )
            ],
        ),
        "IsServing": choice(
            when("$stackStatus = 'UPDATE_COMPLETE'", "ConfirmChampion"),
            when("$contains($stackStatus, /_IN_PROGRESS$/)", "WaitForServing"),
            default="RolledBack",
        ),
        # Another promotion, refused meanwhile, has put back what it found.
        "ConfirmChampion": champion.write(
            query("$package"),
            next="MarkChampion",
            catch=[caught("ConfirmChampion", mend=put_right(parameter, "$package", "The new model serves."))],
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
