"""A rule of EventBridge: an event starts a workflow."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_events as events
from constructs import Construct

from stacks.dead_letters import DeadLetters
from stacks.permissions import Permission, make_role
from stacks.settings import Settings


def make_rule(
    scope: Construct,
    *,
    settings: Settings,
    part: str,
    description: str,
    pattern: dict[str, Any],
    state_machine_arn: str,
    dead_letters: DeadLetters,
    input: dict[str, Any] | None = None,
) -> events.CfnRule:
    """The rule `nunchi-<environment>-<part>` and the role that it starts the state machine as.

    Args:
        scope: of what both are part.
        settings: of the environment.
        part: last part of the rule's name.
        description: what it hears of.
        pattern: the events.
        state_machine_arn: what is started.
        dead_letters: where an event goes that could not be delivered.
        input: members of the target that say what the execution's input is; the event without.
    """
    role = make_role(
        scope,
        "EventRole",
        service="events",
        description=f"Nunchi {settings.environment}: {part}",
        permissions=[Permission(["states:StartExecution"], [state_machine_arn])],
    )
    return events.CfnRule(
        scope,
        "Rule",
        name=settings.name(part),
        description=f"Nunchi {settings.environment}: {description}",
        event_pattern=pattern,
        targets=[
            {
                "id": part,
                "arn": state_machine_arn,
                "roleArn": role.attr_arn,
                # As long as EventBridge tries at most.
                "retryPolicy": {"maximumRetryAttempts": 185, "maximumEventAgeInSeconds": 86400},
                "deadLetterConfig": {"arn": dead_letters.queue_arn},
                **(input or {}),
            }
        ],
    )
