"""What the roles of an environment may do, and whether they may make a call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.stacks.resolved import Environment, Json


@dataclass(frozen=True)
class Call:
    """A request to AWS as IAM sees it."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The condition keys that the request has, with their values."""


@dataclass(frozen=True)
class Statement:
    """A statement of an identity policy, resolved."""

    actions: list[str]
    resources: list[str]
    conditions: dict[str, dict[str, Any]]

    def covers(self, action: str, resource: str, call: Call) -> bool:
        """Whether `action` on `resource`, which it allows, is what `call` needs."""
        return action == call.action and fnmatchcase(call.resource, resource) and self._holds(call.context)

    def allows(self, call: Call) -> bool:
        """Whether it lets `call` through."""
        return any(self.covers(action, one, call) for action in self.actions for one in self.resources)

    def _holds(self, context: Mapping[str, str]) -> bool:
        return all(
            any(_OPERATORS[operator](context.get(key, ""), value) for value in as_list(values))
            for operator, keys in self.conditions.items()
            for key, values in keys.items()
        )


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": str.__eq__,
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
}


@dataclass(frozen=True)
class Role:
    """A role, its policies resolved."""

    name: str
    """As its description has it: `prepare`, `the retrain workflow`."""
    arn: str
    properties: Json
    statements: list[Statement]

    def allows(self, call: Call) -> bool:
        """Whether one of its statements lets `call` through."""
        return any(statement.allows(call) for statement in self.statements)


def as_list(value: Any) -> list[Any]:
    """What IAM takes alone or in a list."""
    return value if isinstance(value, list) else [value]


@functools.cache
def roles(environment: Environment) -> dict[str, Role]:
    """The roles of an environment, by name."""
    policies = {
        environment.arn(part, logical_id): properties["PolicyDocument"]
        for part, logical_id, properties in environment.of_type("AWS::IAM::ManagedPolicy")
    }
    found = {}
    for part, logical_id, properties in environment.of_type("AWS::IAM::Role"):
        name = properties["Description"].partition(": ")[2]
        statements = [
            Statement(as_list(one["Action"]), as_list(one["Resource"]), one.get("Condition", {}))
            for policy in properties["ManagedPolicyArns"]
            for one in policies[policy]["Statement"]
        ]
        found[name] = Role(name, environment.arn(part, logical_id), properties, statements)
    return found


def identity_statements(environment: Environment) -> Iterator[tuple[str, Statement]]:
    """Every statement of every role, with the role's name."""
    for role in roles(environment).values():
        for statement in role.statements:
            yield role.name, statement
