"""What the pages say: a review in which what is the same in several environments is said once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from review.compared import leaves
from review.model import (
    Cost,
    EnvironmentReview,
    Finding,
    PermissionChange,
    Review,
    WorkflowChange,
)
from review.pictures import Picture, picture
from review.safe_ways import SAFE_WAYS
from review.values import Difference, difference

T = TypeVar("T")
Where = tuple[str, ...]
"""Names of environments."""


@dataclass(frozen=True)
class DangerItem:
    """A danger."""

    name: str
    """Of the resource."""
    type: str
    category: str
    message: str


@dataclass(frozen=True)
class Resource:
    """A resource that changes."""

    stack: str
    """Its last part, as in `storage`."""
    path: str
    type: str
    kind: str
    differences: tuple[Difference, ...]
    dangers: tuple[str, ...]
    """Their categories."""
    drawn: bool
    """Whether it is a workflow, which the pages draw."""


@dataclass(frozen=True)
class Permissions:
    """What somebody may do before and no longer, and after and not before."""

    stack: str
    of: str
    principal: str
    gone: tuple[PermissionChange, ...]
    come: tuple[PermissionChange, ...]

    @property
    def wider(self) -> bool:
        """Whether anything is allowed that was not; the other way round they may be `narrower` too."""
        return _any(self.come, "Allow") or _any(self.gone, "Deny")

    @property
    def narrower(self) -> bool:
        """Whether anything was allowed that no longer is."""
        return _any(self.gone, "Allow") or _any(self.come, "Deny")


@dataclass(frozen=True)
class Workflow:
    """A workflow that changes."""

    stack: str
    name: str
    kind: str
    """Added, changed or removed."""
    states: tuple[tuple[str, str], ...]
    """Those that differ, and how."""
    drawn: Picture
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class CostChange:
    """What environments cost; None where there is none."""

    before: Cost | None
    after: Cost | None


class Contents:
    """What the pages say."""

    def __init__(self, review: Review) -> None:
        """Arrange `review`."""
        self.review = review
        self.environments = review.environments
        found = _once(review, _dangers)
        by_category = {way: [one for one in found if one[1].category == way] for way in SAFE_WAYS}
        self.dangers = {category: some for category, some in by_category.items() if some}
        self.stacks: dict[tuple[str, Where], list[Resource]] = {}
        for where, resource in _once(review, _resources):
            self.stacks.setdefault((resource.stack, where), []).append(resource)
        self.permissions: list[tuple[Where, Permissions]] = sorted(
            _once(review, _permissions), key=lambda found: not found[1].wider
        )
        self.workflows: list[tuple[Where, Workflow]] = _once(review, _workflows)
        self.settings: list[tuple[Where, Difference]] = _once(review, _settings)
        self.costs: list[tuple[Where, CostChange]] = _once(review, _costs)
        self.findings: list[tuple[str, list[tuple[Where, Finding]]]] = [
            ("New findings", _once(review, lambda one: one.new_findings)),
            ("New acknowledgements", _once(review, lambda one: one.new_acknowledgements)),
            ("Acknowledgements that are gone", _once(review, lambda one: one.gone_acknowledgements)),
        ]

    @property
    def changes_infrastructure(self) -> bool:
        """Whether anything changes but the code of the assets."""
        findings = any(found for _, found in self.findings)
        return bool(self.stacks or self.permissions or self.workflows or self.settings or findings)


def _any(changes: Iterable[PermissionChange], effect: str) -> bool:
    return any(change.effect == effect for change in changes)


def _once(review: Review, items: Callable[[EnvironmentReview], Iterable[T]]) -> list[tuple[Where, T]]:
    """Each item with its environments; `<env>` stands for their names where they are several."""
    found: dict[str, tuple[list[str], T, T]] = {}
    for environment in review.environments:
        for item in items(environment):
            shared = _shared(item, environment.name)
            where, _, _ = found.setdefault(repr(shared), ([], shared, item))
            if environment.name not in where:
                where.append(environment.name)
    return [(tuple(where), shared if len(where) > 1 else own) for where, shared, own in found.values()]


def _shared(value: Any, environment: str) -> Any:
    if isinstance(value, str):
        return re.sub(rf"\b(nunchi[-/]){environment}\b", r"\1<env>", value)
    if isinstance(value, tuple):
        return tuple(_shared(item, environment) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return dataclasses.replace(
            value, **{field.name: _shared(getattr(value, field.name), environment) for field in fields}
        )
    return value


def _dangers(environment: EnvironmentReview) -> Iterator[DangerItem]:
    for resource, danger in environment.dangers:
        yield DangerItem(resource.name, resource.type, danger.category, danger.message)


def _resources(environment: EnvironmentReview) -> Iterator[Resource]:
    if environment.code_only:
        return
    drawn = {workflow.stack for workflow in environment.workflows}
    for change in environment.resources:
        definition = [one for one in change.properties if one.path.startswith("DefinitionString")]
        is_drawn = bool(definition) and change.stack in drawn
        yield Resource(
            _part(change.stack),
            change.path,
            change.type,
            change.kind,
            tuple(
                difference(one.path, one.before, one.after, one.replaces)
                for one in change.properties
                if not (is_drawn and one in definition)
            ),
            tuple(dict.fromkeys(danger.category for danger in change.dangers)),
            is_drawn,
        )


def _permissions(environment: EnvironmentReview) -> Iterator[Permissions]:
    found: dict[tuple[str, str, str], tuple[list[PermissionChange], list[PermissionChange]]] = {}
    for wider, changes in ((True, environment.widened), (False, environment.narrowed)):
        for change in changes:
            gone, come = found.setdefault((_part(change.stack), change.of, change.principal), ([], []))
            # What is denied no longer is as wide as what is allowed anew.
            (come if wider == (change.effect == "Allow") else gone).append(change)
    for whose, (gone, come) in found.items():
        yield Permissions(*whose, tuple(gone), tuple(come))


def _workflows(environment: EnvironmentReview) -> Iterator[Workflow]:
    for change in environment.workflows:
        kind = "added" if not change.before else "changed" if change.after else "removed"
        states = tuple(change.states.items()) if kind == "changed" else ()
        yield Workflow(
            _part(change.stack), change.name, kind, states, picture(change), tuple(_differences(change))
        )


def _differences(change: WorkflowChange) -> Iterator[Difference]:
    if change.before and change.after:
        before, after = ({**side, "States": None} for side in (change.before, change.after))
        yield from (difference(*leaf) for leaf in leaves(before, after))
    for name in change.states:
        before, after = (side.get("States", {}).get(name) for side in (change.before, change.after))
        if before and after:
            yield from (difference(*leaf) for leaf in leaves(before, after, name))


def _settings(environment: EnvironmentReview) -> Iterator[Difference]:
    for change in environment.settings:
        yield difference(change.path, change.before, change.after)


def _costs(environment: EnvironmentReview) -> Iterator[CostChange]:
    if environment.cost_before or environment.cost_after:
        yield CostChange(environment.cost_before, environment.cost_after)


def _part(stack: str) -> str:
    return stack.split("-", 2)[2]
