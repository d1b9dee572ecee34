"""Which libraries are upgraded, of those that make the templates and deploy them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from review.model import Side

_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?)\s*([^#]*)")


def library_changes(base: Side, head: Side) -> tuple[str, ...]:
    """What of `stacks/requirements.txt`, and the CDK CLI, as in `pydantic 2.1 → 2.2`."""
    before, after = dict(_libraries(base.source)), dict(_libraries(head.source))
    return tuple(
        _said(name, before.get(name), after.get(name))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    )


def _said(name: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"{name} {after} added"
    if after is None:
        return f"{name} {before} removed"
    return f"{name} {before} → {after}"


def _libraries(source: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each; a file that a side does not have asks for nothing."""
    requirements, package = source / "stacks" / "requirements.txt", source / "package.json"
    if requirements.exists():
        for line in requirements.read_text(encoding="utf-8").splitlines():
            if found := _REQUIREMENT.match(line.strip()):
                yield found[1], found[2].strip().removeprefix("==") or "of any version"
    if package.exists():
        asked = json.loads(package.read_text(encoding="utf-8")).get("devDependencies", {})
        # What else stands there are tools.
        if "aws-cdk" in asked:
            yield "aws-cdk", asked["aws-cdk"]
