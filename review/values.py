"""Values of a template before and after, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

_LINE = 90
_AROUND = 30


@dataclass(frozen=True)
class Difference:
    """A value before and after: in a line, or as the lines that differ."""

    path: str
    before: str | None
    """None where there is none."""
    after: str | None
    lines: tuple[str, ...] = ()
    """As in a unified diff; for what is too long for a line."""
    replaces: bool = False
    """Whether it makes CloudFormation replace the resource."""


def difference(path: str, before: Any, after: Any, replaces: bool = False) -> Difference:
    """What differs between two values."""
    old, new = text(before), text(after)
    if isinstance(before, str) and isinstance(after, str) and "\n" not in old + new:
        old, new = _shortened(old, new)
    if max(len(old), len(new)) > _LINE or "\n" in old + new:
        return Difference(path, None, None, tuple(_diff(_laid_out(before), _laid_out(after))), replaces)
    return Difference(path, None if before is None else old, None if after is None else new, (), replaces)


def text(value: Any) -> str:
    """The value in a line."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _laid_out(value: Any) -> list[str]:
    if value is None:
        return []
    return (value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)).splitlines()


def _diff(before: list[str], after: list[str]) -> Iterator[str]:
    for number, group in enumerate(SequenceMatcher(None, before, after, False).get_grouped_opcodes(1)):
        if number:
            yield "  …"
        for what, start, end, new_start, new_end in group:
            old, new = before[start:end], after[new_start:new_end]
            if what == "equal":
                yield from (f"  {line}" for line in old)
                continue
            if len(old) == len(new):
                pairs = [_shortened(one, other) for one, other in zip(old, new, strict=True)]
                old, new = [one for one, _ in pairs], [other for _, other in pairs]
            yield from (f"- {line}" for line in old)
            yield from (f"+ {line}" for line in new)


def _shortened(before: str, after: str) -> tuple[str, str]:
    """Long texts without most of what they have in common."""
    if max(len(before), len(after)) <= _LINE:
        return before, after
    start = max(0, _alike(before, after) - _AROUND)
    before, after = "…" * bool(start) + before[start:], "…" * bool(start) + after[start:]
    end = max(0, _alike(before[::-1], after[::-1]) - _AROUND)
    before, after = before[: len(before) - end], after[: len(after) - end]
    return before + "…" * bool(end), after + "…" * bool(end)


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next(
        (number for number, (this, that) in enumerate(pairs) if this != that), min(len(one), len(other))
    )
