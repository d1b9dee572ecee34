"""A workflow before and after as one picture, with what differs marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from docs.diagram import steps, words
from review.model import Json, WorkflowChange

Mark = Literal["", "added", "changed", "removed"]


@dataclass(frozen=True)
class Node:
    """A state."""

    name: str
    type: str
    mark: Mark = ""

    @property
    def label(self) -> str:
        """Its name in words; the mark too, for those who do not see the colour."""
        return f"{words(self.name)} ({self.mark})" if self.mark else words(self.name)


@dataclass(frozen=True)
class Edge:
    """A way from one state to another."""

    source: str
    target: str
    fails: bool
    """Whether it is the way of a failure."""
    mark: Mark = ""

    @property
    def label(self) -> str:
        """What it is, unless it is the usual way on."""
        return ", ".join(filter(None, ("fails" if self.fails else "", self.mark)))


@dataclass(frozen=True)
class Picture:
    """A workflow before and after in one."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def picture(change: WorkflowChange) -> Picture:
    """The states that differ, marked, between the others; plumbing that stays as it is is passed over."""
    before, after = change.before.get("States", {}), change.after.get("States", {})
    whole = not before or not after  # There is nothing to compare it with.
    names = list(after)
    for previous, name in zip(["", *before], before, strict=False):
        if name not in after:
            names.insert(names.index(previous) + 1 if previous else 0, name)
    marks = {} if whole else {name: _mark(kind) for name, kind in change.states.items()}
    states = {name: after.get(name) or before[name] for name in names}
    usual = steps({"States": states})
    nodes = [
        Node(name, state["Type"], marks.get(name, ""))
        for name, state in states.items()
        if name in marks or name in usual
    ]
    shown = {node.name for node in nodes}
    old, new = dict.fromkeys(_edges(before, shown)), dict.fromkeys(_edges(after, shown))
    edges = []
    for way in {**new, **old}:
        mark: Mark = "" if whole or (way in old and way in new) else "added" if way in new else "removed"
        edges.append(Edge(*way, mark))
    return Picture(tuple(nodes), tuple(edges))


def _mark(kind: str) -> Mark:
    return "added" if kind == "added" else "removed" if kind == "removed" else "changed"


def _edges(states: Json, shown: set[str]) -> Iterator[tuple[str, str, bool]]:
    """From, to, and whether it is the way of a failure, past the states that are not shown."""
    for name in states:
        if name in shown:
            onward = list(_reached(states, _next(states[name]), shown))
            yield from ((name, target, False) for target in onward)
            caught = [catcher["Next"] for catcher in states[name].get("Catch", ())]
            for target in _reached(states, caught, shown):
                if target not in onward:
                    yield name, target, True


def _reached(states: Json, targets: Iterable[str], shown: set[str]) -> Iterator[str]:
    """The targets, and in place of one that is not shown what comes after it."""
    waiting, seen = list(targets), set()
    while waiting:
        target = waiting.pop(0)
        if target not in seen:
            seen.add(target)
            if target in shown:
                yield target
            else:
                waiting += _next(states[target])


def _next(state: Mapping[str, Any]) -> list[str]:
    targets = [*(rule["Next"] for rule in state.get("Choices", ())), state.get("Default"), state.get("Next")]
    return [target for target in targets if target]
