"""Compares two values of a template part by part, each part named by its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from review.model import Json

# What tells the items of a list apart, wherever they stand in it.
_NAMES = ("Key", "Sid", "Id", "Name", "VariantName", "ChannelName", "InputName", "OutputName", "id", "name")


class Pair(NamedTuple):
    """An entry of a mapping that is there on both sides; None where the entry is not."""

    path: str
    key: str
    before: Any
    after: Any
    within: Json
    """The mapping after."""


def pairs(before: Any, after: Any, path: str = "") -> Iterator[Pair]:
    """The entries that differ, from the outermost inwards, of mappings that are there on both sides."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            old, new, inside = before.get(key), after.get(key), f"{path}.{key}".lstrip(".")
            if old != new:
                yield Pair(inside, key, old, new, after)
                yield from pairs(old, new, inside)
    elif isinstance(before, list) and isinstance(after, list):
        for item, old, new in aligned(before, after):
            yield from pairs(old, new, f"{path}[{item}]")


def leaves(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, before and after of the smallest parts that differ; None where there is none."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from leaves(before.get(key), after.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(before, list) and isinstance(after, list) and (both := aligned(before, after)):
        for item, old, new in both:
            yield from leaves(old, new, f"{path}[{item}]")
    elif isinstance(before, list) and isinstance(after, list) and (some := _only(before, after)):
        yield path, *some
    else:
        yield path, before, after


def aligned(before: list[Any], after: list[Any]) -> list[tuple[str, Any, Any]]:
    """The items by the name that they have or, where only one differs, by its number; none if neither."""
    for name in _NAMES:
        named = [
            {item[name]: item for item in side if isinstance(item, dict) and isinstance(item.get(name), str)}
            for side in (before, after)
        ]
        if [len(one) for one in named] == [len(before), len(after)]:
            old, new = named
            return [(item, old.get(item), new.get(item)) for item in {**old, **new}]
    if len(before) == len(after):
        differ = [number for number, both in enumerate(zip(before, after, strict=True)) if both[0] != both[1]]
        if len(differ) == 1:
            return [(str(differ[0]), before[differ[0]], after[differ[0]])]
    return []


def _only(before: list[Any], after: list[Any]) -> tuple[Any, Any] | None:
    """What is on one side alone; None if it is the order that differs."""
    gone = [item for item in before if item not in after] or None
    come = [item for item in after if item not in before] or None
    return (gone, come) if gone or come else None
