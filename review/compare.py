"""Puts a review together: what each part of it says of two commits."""

from __future__ import annotations

from review.assembly import read
from review.code_changes import code_changes
from review.cost import cost
from review.dangers import judged
from review.findings import finding_changes
from review.libraries import library_changes
from review.model import EnvironmentReview, Review, Side
from review.permissions import permission_changes
from review.resources import resource_changes
from review.settings_changes import setting_changes
from review.workflows import workflow_changes


def compare(base: Side, head: Side) -> Review:
    """All that changes from `base` to `head`."""
    resources = judged(resource_changes(base, head), base, head)
    permissions = permission_changes(base, head)
    workflows, settings = workflow_changes(base, head), setting_changes(base, head)
    findings = finding_changes(base, head)
    environments = []
    for name in sorted({*read(base.assembly).environments, *read(head.assembly).environments}):
        widened, narrowed = permissions.get(name, ((), ()))
        new, acknowledged, gone = findings.get(name, ((), (), ()))
        environments.append(
            EnvironmentReview(
                name,
                resources=resources.get(name, ()),
                widened=widened,
                narrowed=narrowed,
                workflows=workflows.get(name, ()),
                settings=settings.get(name, ()),
                new_findings=new,
                new_acknowledgements=acknowledged,
                gone_acknowledgements=gone,
                code_only=not resources.get(name) and _code(base, name) != _code(head, name),
                cost_before=cost(base, name) if name in read(base.assembly).environments else None,
                cost_after=cost(head, name) if name in read(head.assembly).environments else None,
            )
        )
    return Review(
        base.label,
        head.label,
        tuple(environments),
        code=code_changes(base, head),
        libraries=library_changes(base, head),
        notes=(*base.notes, *head.notes),
    )


def _code(side: Side, environment: str) -> set[str]:
    """The names of the code's archives, which are their digests."""
    stacks = read(side.assembly).of(environment).values()
    return {archive.name for stack in stacks for archive in stack.assets.values()}
