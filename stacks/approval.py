"""The registry's events: approving a model package, wherever that is done, starts its promotion."""

from __future__ import annotations

from constructs import Construct

from stacks.dead_letters import DeadLetters
from stacks.rule import make_rule
from stacks.settings import Settings


class Approval(Construct):
    """A rule that hands what people decide in the registry to the promote state machine."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        group: str,
        state_machine_arn: str,
        dead_letters: DeadLetters,
    ) -> None:
        """Build the rule for the packages of the model package group named `group`."""
        super().__init__(scope, "Approval")
        make_rule(
            self,
            settings=settings,
            part="approval",
            description="a package of the registry was approved or rejected",
            pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {
                    "ModelPackageGroupName": [group],
                    "ModelApprovalStatus": ["Approved", "Rejected"],
                    # A package's other changes come as the same event, those that a promotion makes too.
                    "UpdatedModelPackageFields": ["ModelApprovalStatus"],
                },
            },
            state_machine_arn=state_machine_arn,
            dead_letters=dead_letters,
            input={
                "inputTransformer": {
                    "inputPathsMap": {
                        "package": "$.detail.ModelPackageArn",
                        "status": "$.detail.ModelApprovalStatus",
                    },
                    "inputTemplate": '{"model_package_arn": <package>, "status": <status>}',
                }
            },
        )
