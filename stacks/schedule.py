"""The schedule: EventBridge Scheduler starts a workflow, and what it could not start waits in a queue."""

from __future__ import annotations

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.dead_letters import DeadLetters
from stacks.permissions import Permission, make_role
from stacks.settings import ScheduleSettings, Settings
from stacks.storage import Storage


class Schedule(Construct):
    """A schedule with its group and its role."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        schedule: ScheduleSettings,
        part: str,
        state_machine_arn: str,
        input: str,
        storage: Storage,
        dead_letters: DeadLetters,
    ) -> None:
        """Build the schedule that starts the state machine of the workflow `part` with the input `input`."""
        super().__init__(scope, "Schedule")
        name = settings.name(part)
        role = make_role(
            self,
            "Role",
            service="scheduler",
            description=f"Nunchi {settings.environment}: schedule of {part}",
            permissions=[
                Permission(["states:StartExecution"], [state_machine_arn]),
                Permission(["sqs:SendMessage"], [dead_letters.queue_arn]),
                Permission(["kms:Decrypt", "kms:GenerateDataKey"], [storage.key_arn]),
            ],
        )
        # A schedule takes no tags, its group does.
        group = scheduler.CfnScheduleGroup(self, "Group", name=name)
        flexible = schedule.flexible_minutes
        self.schedule = scheduler.CfnSchedule(
            self,
            part.title(),
            name=name,
            group_name=group.ref,
            description=f"Nunchi {settings.environment}: {part}",
            schedule_expression=schedule.expression,
            schedule_expression_timezone=schedule.timezone,
            flexible_time_window=(
                {"mode": "FLEXIBLE", "maximumWindowInMinutes": flexible} if flexible else {"mode": "OFF"}
            ),
            target={
                "arn": state_machine_arn,
                "roleArn": role.attr_arn,
                "input": input,
                "retryPolicy": {
                    "maximumRetryAttempts": schedule.max_retries,
                    "maximumEventAgeInSeconds": schedule.max_age_seconds,
                },
                "deadLetterConfig": {"arn": dead_letters.queue_arn},
            },
        )
