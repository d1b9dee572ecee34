"""The registry's events: approving a model package, wherever that is done, starts its promotion."""

from __future__ import annotations

from aws_cdk import aws_events as events
from constructs import Construct

from stacks.permissions import Permission, make_role
from stacks.settings import Settings


class Approval(Construct):
    """A rule that hands what people decide in the registry to the promote state machine."""

    def __init__(self, scope: Construct, *, settings: Settings, group: str, state_machine_arn: str) -> None:
        """Build the rule for the packages of the model package group named `group`."""
        super().__init__(scope, "Approval")
        role = make_role(
            self,
            "Role",
            service="events",
            description=f"Nunchi {settings.environment}: approval",
            permissions=[Permission(["states:StartExecution"], [state_machine_arn])],
        )
        events.CfnRule(
            self,
            "Rule",
            name=settings.name("approval"),
            description=f"Nunchi {settings.environment}: a package of the registry was approved or rejected",
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {
                    "ModelPackageGroupName": [group],
                    "ModelApprovalStatus": ["Approved", "Rejected"],
                    # A package's other changes come as the same event, those that a promotion makes too.
                    "UpdatedModelPackageFields": ["ModelApprovalStatus"],
                },
            },
            targets=[
                {
                    "id": "promote",
                    "arn": state_machine_arn,
                    "roleArn": role.attr_arn,
                    "inputTransformer": {
                        "inputPathsMap": {
                            "package": "$.detail.ModelPackageArn",
                            "status": "$.detail.ModelApprovalStatus",
                        },
                        "inputTemplate": '{"model_package_arn": <package>, "status": <status>}',
                    },
                }
            ],
        )
