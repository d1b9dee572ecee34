"""The promote state machine: a model package becomes the champion, or everything stays as it was.

CloudFormation stays the only owner of what serves. Promotion writes the champion parameter and has
the serving stack updated with its previous template: CloudFormation reads the parameter anew, and
swaps the model under the endpoint's own guardrails.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
"""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.champion import Champion
from stacks.jsonata import query
from stacks.permissions import Permission
from stacks.settings import Settings
from stacks.states import State, caught, choice, failure, publish, refuse, task, when
from stacks.workflow import Workflow

# CloudFormation has no error of its own for this answer, only its text.
_NOTHING_CHANGED = "No updates are to be performed"
_FIRST_FAILURE = (
    "$states.result.StackEvents[$contains(ResourceStatus, /_FAILED$/)"
    " and $not($contains(ResourceStatusReason, 'cancelled'))][0].ResourceStatusReason"
)


class Promote(Construct):
    """The state machine; its input is `{"model_package_arn": …}`, the ARN of an Approved package."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        champion: Champion,
        serving_stack: str,
        topic: sns.ITopic,
    ) -> None:
        """Build the state machine that promotes by updating the stack named `serving_stack`."""
        super().__init__(scope, "Promote")
        title = f"[nunchi {settings.environment}] promotion"
        stack_arn = Stack.of(self).format_arn(
            service="cloudformation", resource="stack", resource_name=f"{serving_stack}/*"
        )
        self.workflow = Workflow(
            self,
            "Workflow",
            name=settings.name("promote"),
            description="Promote: make a model package the champion, or put the previous one back",
            start_at="CheckInput",
            states={
                **_check(champion),
                **_switch(champion, serving_stack),
                **_restore(champion, serving_stack),
                **_succeed(champion, topic.topic_arn, title),
                **failure(topic.topic_arn, title),
            },
            permissions=[
                *champion.promote_permissions(),
                Permission(
                    [
                        "cloudformation:DescribeStackEvents",
                        "cloudformation:DescribeStacks",
                        "cloudformation:UpdateStack",
                    ],
                    [stack_arn],
                    because="A stack's ARN ends in an id that it gets when it is made",
                ),
                Permission(["sns:Publish"], [topic.topic_arn]),
            ],
        )


def _check(champion: Champion) -> dict[str, State]:
    return {
        "CheckInput": choice(
            when(
                "$exists($states.input.model_package_arn)",
                "ReadChampion",
                package="$states.input.model_package_arn",
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
            assign={"approval": query("$states.result.ModelApprovalStatus")},
            next="IsApproved",
            catch=[caught("DescribePackage")],
        ),
        "IsApproved": choice(when("$approval = 'Approved'", "WriteChampion"), default="RefusePackage"),
        "RefusePackage": refuse("Promote", "$package & ' is ' & $approval & ', not Approved'"),
    }


def _switch(champion: Champion, serving_stack: str) -> dict[str, State]:
    return {
        "WriteChampion": champion.write(
            query("$package"), next="UpdateServing", catch=[caught("WriteChampion")]
        ),
        "UpdateServing": task(
            "aws-sdk:cloudformation:updateStack",
            {
                "StackName": serving_stack,
                "UsePreviousTemplate": True,
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
        "DescribeServing": task(
            "aws-sdk:cloudformation:describeStacks",
            {"StackName": serving_stack},
            assign={"stackStatus": query("$states.result.Stacks[0].StackStatus")},
            next="IsServing",
            # The update goes on whether or not it is watched: one throttled look must not end the watch.
            retry=[
                {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 10, "BackoffRate": 1.5}
            ],
            catch=[caught("DescribeServing")],
        ),
        "IsServing": choice(
            when("$stackStatus = 'UPDATE_COMPLETE'", "MarkChampion"),
            when("$contains($stackStatus, /_IN_PROGRESS$/)", "WaitForServing"),
            default="ExplainRollback",
        ),
    }


def _restore(champion: Champion, serving_stack: str) -> dict[str, State]:
    # Whatever fails on the way, the previous champion comes back.
    anyway = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.input %}", "Next": "RestoreChampion"}
    return {
        "ExplainRollback": task(
            "aws-sdk:cloudformation:describeStackEvents",
            {"StackName": serving_stack},
            output={"step": "Promote", "message": query(_FIRST_FAILURE)},
            next="RejectPackage",
            catch=[caught("Promote", next="RestoreChampion")],
        ),
        "RejectPackage": champion.update_package(
            {
                "ModelApprovalStatus": "Rejected",
                "ApprovalDescription": query(
                    "$substring('It could not be served: ' & $states.input.message, 0, 1024)"
                ),
            },
            next="RestoreChampion",
            catch=[anyway],
        ),
        "RestoreChampion": champion.write(
            query("$previous"), next="NotifyFailure", catch=[caught("RestoreChampion")]
        ),
    }


def _succeed(champion: Champion, topic_arn: str, title: str) -> dict[str, State]:
    return {
        # The registry keeps the mark too, so that a lost parameter can be restored.
        "MarkChampion": champion.update_package(
            {"CustomerMetadataProperties": {"promoted_at": query("$now()")}},
            next="NotifyPromoted",
            catch=[caught("MarkChampion")],
        ),
        "NotifyPromoted": publish(
            topic_arn,
            f"{title} succeeded",
            "$package & ' now serves.\\nIt took over from: ' & $previous",
            next="Promoted",
        ),
        "Promoted": {"Type": "Succeed", "Output": {"outcome": "promoted", "champion": query("$package")}},
    }
