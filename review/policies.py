"""What policies permit, one action on one resource at a time, and whether one permit covers another."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from review.model import Json

# These hold when a value matches none of theirs: more values, and they hold less often.
_NEGATED = re.compile(r"Not(Equals|Like|IpAddress)")

Condition = frozenset[tuple[str, str, frozenset[str]]]
"""Operator, key and values: all of them must hold, each for one of its values."""


@dataclass(frozen=True)
class Permit:
    """One action on one resource by one principal."""

    effect: Literal["Allow", "Deny"]
    principal: str
    """Empty in the policy of a role, whose it is."""
    action: str
    resource: str
    condition: Condition = frozenset()

    def covers(self, other: Permit) -> bool:
        """Whether whatever `other` is about, this is about too."""
        return (
            self.effect == other.effect
            and (self.principal == other.principal or self.principal == "*")
            and _matches(self.action.lower(), other.action.lower())
            and _matches(self.resource, other.resource)
            and all(any(_implied(ours, theirs) for theirs in other.condition) for ours in self.condition)
        )


def permits(document: Any) -> frozenset[Permit]:
    """What a policy document, without intrinsic functions, permits and denies."""
    return frozenset(permit for statement in _list(document["Statement"]) for permit in _of(statement))


def same(before: Any, after: Any) -> bool:
    """Whether two policy documents say the same, in whatever order and however grouped."""
    return _said(before) == _said(after)


def beyond(after: Iterable[Permit], before: Iterable[Permit]) -> list[Permit]:
    """Those of `after` that none of `before` covers, sorted."""
    known = list(before)
    return sorted(
        (permit for permit in after if not any(one.covers(permit) for one in known)),
        key=lambda permit: (permit.resource, permit.action, permit.principal, words(permit.condition)),
    )


def is_policy(value: Any) -> bool:
    """Whether a property's value is a policy document."""
    return isinstance(value, dict) and "Statement" in value


def words(condition: Condition) -> str:
    """A condition for people: `aws:SourceAccount is <account>`."""
    return " and ".join(
        f"{key} {_operator(operator)} {' or '.join(sorted(values))}"
        for operator, key, values in sorted(condition, key=lambda one: one[:2])
    )


def _operator(operator: str) -> str:
    plain = {
        "StringEquals": "is",
        "ArnEquals": "is",
        "Bool": "is",
        "StringLike": "is like",
        "ArnLike": "is like",
    }
    return plain.get(operator, operator)


def _of(statement: Json) -> Iterator[Permit]:
    condition: Condition = frozenset(
        (operator, key, frozenset(map(_text, _list(value))))
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    )
    for principal in _principals(statement):
        for action in _each(statement, "Action"):
            for resource in _each(statement, "Resource"):
                yield Permit(statement["Effect"], principal, action, _arn(resource), condition)


def _principals(statement: Json) -> list[str]:
    negated = "all but " if "NotPrincipal" in statement else ""
    principal = statement.get("NotPrincipal", statement.get("Principal", ""))
    named = list(principal.values()) if isinstance(principal, dict) else [principal]
    return [f"{negated}{_arn(_text(one))}" for each in named for one in _list(each)]


def _each(statement: Json, element: str) -> list[str]:
    if f"Not{element}" in statement:
        return [f"all but {', '.join(sorted(map(_text, _list(statement[f'Not{element}']))))}"]
    # A trust policy has no resources.
    return [_text(one) for one in _list(statement.get(element, ""))]


def _arn(text: str) -> str:
    return re.sub(r"^arn:aws:", "arn:<partition>:", text)


@functools.cache
def _matches(pattern: str, text: str) -> bool:
    """Whether all that `text`, a pattern too, matches is matched by `pattern`."""
    if pattern == text:
        return True
    wild = {"*": ".*", "?": "[^*]"}
    return bool(re.fullmatch("".join(wild.get(one, re.escape(one)) for one in pattern), text, re.DOTALL))


def _implied(ours: tuple[str, str, frozenset[str]], theirs: tuple[str, str, frozenset[str]]) -> bool:
    """Whether `ours` holds wherever `theirs` does."""
    if (ours[0], ours[1].lower()) != (theirs[0], theirs[1].lower()):
        return False
    if _NEGATED.search(ours[0]):
        return theirs[2] >= ours[2]
    if ours[0].startswith(("StringLike", "Arn")):
        return all(any(_matches(pattern, value) for pattern in ours[2]) for value in theirs[2])
    return theirs[2] <= ours[2]


def _said(document: Json) -> set[tuple[str, Permit]]:
    return {
        (statement.get("Sid", ""), permit)
        for statement in _list(document["Statement"])
        for permit in _of(statement)
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
