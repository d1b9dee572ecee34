"""What a review says: the parts of the review fill these, the pages show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["added", "removed", "replaced", "perhaps replaced", "changed"]
"""`perhaps replaced`: it depends on the values, CloudFormation says."""


@dataclass(frozen=True)
class Side:
    """A commit, synthesised."""

    label: str
    """The commit for people: what was asked for and its short hash, as in `main (777eba8)`."""
    source: Path
    """Its files."""
    assembly: Path
    """Its cloud assembly: every environment, with the rule packs' report."""
    notes: tuple[str, ...] = ()
    """What its synthesis could not do as it should, and why."""


@dataclass(frozen=True)
class PropertyChange:
    """A property of a resource before and after; None where there is none."""

    path: str
    """As in `ProductionVariants[0].InstanceType`."""
    before: Any
    after: Any
    replaces: bool = False
    """Whether a change of it makes CloudFormation replace the resource."""


@dataclass(frozen=True)
class Danger:
    """What a reviewer must not miss."""

    category: Literal["data", "downtime", "permissions", "exposure", "protection", "alarms", "schedule"]
    message: str
    """What will happen, and to what, in words."""


@dataclass(frozen=True)
class ResourceChange:
    """What happens to one resource."""

    environment: str
    stack: str
    logical_id: str
    path: str
    """Of its construct in the stack, as in `Realtime/Endpoint`."""
    type: str
    kind: Kind
    properties: tuple[PropertyChange, ...] = ()
    dangers: tuple[Danger, ...] = ()

    @property
    def name(self) -> str:
        """What `--allow` takes: `nunchi-prod-storage/Data`."""
        return f"{self.stack}/{self.path}"


@dataclass(frozen=True)
class PermissionChange:
    """A policy statement's one action on one resource, allowed or denied to one principal."""

    stack: str
    of: str
    """Whose it is, for people: `role of train`, `key`, `bucket Data`."""
    effect: Literal["Allow", "Deny"]
    action: str
    resource: str
    principal: str = ""
    """Empty for a role's own policy."""
    condition: str = ""


@dataclass(frozen=True)
class WorkflowChange:
    """A state machine before and after; an empty definition where there is none."""

    stack: str
    name: str
    """As in `retrain`."""
    before: Json
    after: Json
    states: Mapping[str, Kind] = field(default_factory=dict)
    """The states that differ."""


@dataclass(frozen=True)
class SettingChange:
    """A field of `config/<environment>.yaml` before and after; None where it is left out."""

    path: str
    """As in `serving.realtime.max_instances`."""
    before: Any
    after: Any


@dataclass(frozen=True)
class FileChange:
    """A file of the code assets."""

    path: str
    kind: Literal["added", "removed", "changed"]
    lines_added: int = 0
    lines_removed: int = 0
    only_comments: bool = False
    """Whether nothing but comments, docstrings and layout differ (Python alone)."""


@dataclass(frozen=True)
class Finding:
    """A finding of a rule pack, or its acknowledgement when it has a reason."""

    path: str
    rule: str
    reason: str = ""


@dataclass(frozen=True)
class CostLine:
    """One thing that costs money."""

    what: str
    """As in `real-time endpoint: 2 × ml.c6i.xlarge`."""
    assumption: str
    """As in `730 h a month, the least number of instances`."""
    usd: float
    """A month."""


@dataclass(frozen=True)
class Cost:
    """What an environment costs."""

    lines: tuple[CostLine, ...] = ()
    retrain: float | None = None
    """US dollars for one retrain."""
    million_predictions: Mapping[str, float] = field(default_factory=dict)
    """Way of serving → US dollars for a million predictions."""
    unknown: tuple[str, ...] = ()
    """What the price table does not have."""
    prices: str = ""
    """Whose they are, as in `on demand in Asia Pacific (Seoul), as of 2026-10-01`."""

    @property
    def monthly(self) -> float:
        """US dollars a month."""
        return sum(line.usd for line in self.lines)


@dataclass(frozen=True)
class EnvironmentReview:
    """What happens to one environment; nothing at all when everything but the costs is empty."""

    name: str
    resources: tuple[ResourceChange, ...] = ()
    """Most dangerous first."""
    widened: tuple[PermissionChange, ...] = ()
    """What is allowed after and was not before, and what was denied and no longer is."""
    narrowed: tuple[PermissionChange, ...] = ()
    workflows: tuple[WorkflowChange, ...] = ()
    settings: tuple[SettingChange, ...] = ()
    new_findings: tuple[Finding, ...] = ()
    new_acknowledgements: tuple[Finding, ...] = ()
    gone_acknowledgements: tuple[Finding, ...] = ()
    code_only: bool = False
    """Whether the templates differ in nothing but the code assets' hashes."""
    cost_before: Cost | None = None
    cost_after: Cost | None = None

    @property
    def dangers(self) -> Iterator[tuple[ResourceChange, Danger]]:
        """Every danger, with the resource that it is about."""
        for resource in self.resources:
            for danger in resource.dangers:
                yield resource, danger


@dataclass(frozen=True)
class Review:
    """All that changes between two commits."""

    base: str
    head: str
    environments: tuple[EnvironmentReview, ...] = ()
    code: tuple[FileChange, ...] = ()
    libraries: tuple[str, ...] = ()
    """Upgrades of what makes the templates, as in `aws-cdk-lib 2.274.0 → 2.275.0`."""
    notes: tuple[str, ...] = ()
    """What the review could not do, and why."""
