"""A state machine as every one of ours is made: JSONata, logged, traced, least-privileged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.permissions import Permission, acknowledge
from stacks.states import State

# The CDK adds these statements itself, for `logs` and `tracing_enabled`.
_LOGS_AND_TRACES = Permission(
    [], ["*"], because="The delivery of vended logs, and X-Ray, have no resources that a policy could name"
)


class Workflow(Construct):
    """A standard state machine with its role and its log group."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        start_at: str,
        states: Mapping[str, State],
        permissions: Sequence[Permission],
    ) -> None:
        """Build the state machine `name`.

        Args:
            scope: the stack.
            construct_id: the construct's id in it.
            name: physical name, as in `nunchi-dev-retrain`.
            description: shown at the head of the definition.
            start_at: name of the first state.
            states: name → state.
            permissions: what the tasks may do.

        Raises:
            ValueError: if a state is named that is not there, or is there and never reached.
        """
        super().__init__(scope, construct_id)
        _check(start_at, states)
        definition = {
            "Comment": description,
            "QueryLanguage": "JSONata",
            "StartAt": start_at,
            "States": dict(states),
        }
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(Stack.of(self).to_json_string(definition)),
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Logs",
                    # The prefix keeps the log's resource policy within its size:
                    # https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
                    log_group_name=f"/aws/vendedlogs/states/{name}",
                    retention=logs.RetentionDays.SIX_MONTHS,
                    removal_policy=RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
            tracing_enabled=True,
        )
        for permission in permissions:
            self.state_machine.add_to_role_policy(permission.statement())
        acknowledge(self.state_machine, [*permissions, _LOGS_AND_TRACES])


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
