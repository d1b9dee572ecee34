"""A state machine as every one of ours is made: JSONata, logged, traced, least-privileged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.log_group import make_log_group
from stacks.permissions import Permission, make_role
from stacks.settings import Settings
from stacks.states import State
from stacks.storage import Storage

_LOGS_AND_TRACES = [
    # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    Permission(
        [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        ["*"],
        because="The delivery of vended logs has no resources that a policy could name",
    ),
    # https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
    Permission(
        [
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        ["*"],
        because="X-Ray's actions have no resources",
    ),
]


class Workflow(Construct):
    """A standard state machine with its role and its log group."""

    def __init__(
        self,
        scope: Construct,
        *,
        part: str,
        description: str,
        settings: Settings,
        storage: Storage,
        start_at: str,
        states: Mapping[str, State],
        permissions: Sequence[Permission],
    ) -> None:
        """Build the state machine `nunchi-<environment>-<part>`.

        Args:
            scope: of what the state machine is part.
            part: last part of its name, as in `retrain`.
            description: shown at the head of the definition.
            settings: of the environment.
            storage: whose key encrypts the log.
            start_at: name of the first state.
            states: name → state.
            permissions: what the tasks may do.

        Raises:
            ValueError: if a state is named that is not there, or is there and never reached.
        """
        super().__init__(scope, "Workflow")
        _check(start_at, states)
        name = settings.name(part)
        # The prefix keeps the log's resource policy within its size:
        # https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
        log_group = make_log_group(
            self, "Logs", name=f"/aws/vendedlogs/states/{name}", settings=settings, storage=storage
        )
        role = make_role(
            self,
            "Role",
            service="states",
            description=f"Nunchi {settings.environment}: the {part} workflow",
            permissions=[*permissions, *_LOGS_AND_TRACES],
        )
        definition = {
            "Comment": description,
            "QueryLanguage": "JSONata",
            "StartAt": start_at,
            "States": dict(states),
        }
        self.state_machine = sfn.CfnStateMachine(
            self,
            "StateMachine",
            state_machine_name=name,
            role_arn=role.attr_arn,
            definition_string=Stack.of(self).to_json_string(definition),
            logging_configuration={
                "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": log_group.attr_arn}}],
                "includeExecutionData": settings.logs.execution_data,
                "level": "ALL",
            },
            tracing_configuration={"enabled": True},
        )


def _check(start_at: str, states: Mapping[str, State]) -> None:
    reached, ahead = set(), [start_at]
    while ahead:
        name = ahead.pop()
        if name not in states:
            raise ValueError(f"state {name} is named and not defined; defined: {', '.join(states)}")
        if name not in reached:
            reached.add(name)
            ahead.extend(successors(states[name]))
    if unreached := states.keys() - reached:
        raise ValueError(f"no state leads to {', '.join(sorted(unreached))}")


def successors(state: Mapping[str, Any]) -> Iterator[str]:
    """The names of the states that can follow `state`."""
    for branch in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        yield from (branch[key] for key in ("Next", "Default") if key in branch)
