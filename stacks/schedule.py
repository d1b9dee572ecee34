"""The schedule: EventBridge Scheduler starts the retrain, and what it could not start waits in a queue."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acknowledgements import acknowledge
from stacks.permissions import Permission, make_role, tls_only
from stacks.settings import ScheduleSettings, Settings
from stacks.storage import Storage

_FORTNIGHT = 14 * 24 * 3600


class RetrainSchedule(Construct):
    """A schedule with its group, its role and its dead-letter queue."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        schedule: ScheduleSettings,
        state_machine_arn: str,
        storage: Storage,
    ) -> None:
        """Build the schedule that starts the state machine with the input `{}`."""
        super().__init__(scope, "Schedule")
        name = settings.name("retrain")
        queue = sqs.CfnQueue(
            self,
            "DeadLetters",
            queue_name=dead_letter_queue(settings),
            kms_master_key_id=storage.key_arn,
            message_retention_period=_FORTNIGHT,
        )
        queue.apply_removal_policy(RemovalPolicy.DESTROY)
        acknowledge(
            queue,
            {"AwsSolutions-SQS3": "This is the dead-letter queue of the schedule, and the end of the line"},
        )
        sqs.CfnQueuePolicy(
            self,
            "DeadLettersPolicy",
            queues=[queue.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [tls_only("sqs:*", queue.attr_arn)],
            },
        )
        role = make_role(
            self,
            "Role",
            service="scheduler",
            description=f"Nunchi {settings.environment}: schedule",
            permissions=[
                Permission(["states:StartExecution"], [state_machine_arn]),
                Permission(["sqs:SendMessage"], [queue.attr_arn]),
                Permission(["kms:Decrypt", "kms:GenerateDataKey"], [storage.key_arn]),
            ],
        )
        # A schedule takes no tags, its group does.
        group = scheduler.CfnScheduleGroup(self, "Group", name=f"nunchi-{settings.environment}")
        flexible = schedule.flexible_minutes
        scheduler.CfnSchedule(
            self,
            "Retrain",
            name=name,
            group_name=group.ref,
            description=f"Nunchi {settings.environment}: retrain",
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.timezone,
            flexible_time_window=(
                {"mode": "FLEXIBLE", "maximumWindowInMinutes": flexible} if flexible else {"mode": "OFF"}
            ),
            target={
                "arn": state_machine_arn,
                "roleArn": role.attr_arn,
                "input": "{}",
                "retryPolicy": {
                    "maximumRetryAttempts": schedule.max_retries,
                    "maximumEventAgeInSeconds": schedule.max_age_seconds,
                },
                "deadLetterConfig": {"arn": queue.attr_arn},
            },
        )


def dead_letter_queue(settings: Settings) -> str:
    """Name of the queue that holds the starts that failed."""
    return settings.name("retrain-dead-letters")
