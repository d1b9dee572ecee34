"""Which of the changes a reviewer must not miss, and why; the worst first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

from review.assembly import Stack, read
from review.hazards import alarms, data, downtime, exposure, permissions, protection, schedule
from review.hazards.case import Case
from review.model import Danger, Kind, ResourceChange, Side
from review.permissions import Widening, widenings
from review.resources import STACK

Category = Literal["data", "downtime", "exposure", "permissions", "protection", "alarms", "schedule"]
_CATEGORIES: tuple[Category, ...] = get_args(Category)
_KINDS: tuple[Kind, ...] = ("replaced", "removed", "perhaps replaced", "changed", "added")


class _Moves(NamedTuple):
    wider: list[Widening]
    narrower: list[Widening]


def judged(
    changes: dict[str, tuple[ResourceChange, ...]], base: Side, head: Side
) -> dict[str, tuple[ResourceChange, ...]]:
    """The changes of each environment with their dangers, the most dangerous first."""
    found = {}
    for environment, some in changes.items():
        before, after = (read(side.assembly).of(environment) for side in (base, head))
        moves = _Moves(widenings(base, head, environment), widenings(head, base, environment))
        with_dangers = [_judged(change, before, after, moves) for change in some]
        found[environment] = tuple(sorted(with_dangers, key=_rank))
    return found


def _judged(
    change: ResourceChange, before: dict[str, Stack], after: dict[str, Stack], moves: _Moves
) -> ResourceChange:
    # What becomes of a stack as a whole is told once, of the stack.
    if change.stack in before and change.stack not in after and change.type != STACK:
        return change
    case = Case(change, before.get(change.stack), after.get(change.stack))
    told: dict[Category, Iterator[str]] = {
        "data": data.dangers(case),
        "downtime": downtime.dangers(case, before),
        "exposure": exposure.dangers(case),
        "permissions": permissions.runs_as(case, before, after),
        "protection": protection.dangers(case),
        "alarms": alarms.dangers(case, after),
        "schedule": schedule.dangers(case),
    }
    found = [Danger(category, said) for category, some in told.items() for said in some]
    found += (danger for one in _of(change, moves.wider) for danger in permissions.dangers(one))
    found += (
        Danger("alarms", said) for one in _of(change, moves.narrower) for said in permissions.silenced(one)
    )
    ordered = sorted(dict.fromkeys(found), key=lambda danger: _CATEGORIES.index(danger.category))
    return dataclasses.replace(change, dangers=tuple(map(_capital, ordered)))


def _of(change: ResourceChange, moves: list[Widening]) -> Iterator[Widening]:
    return (one for one in moves if (one.stack.name, one.logical_id) == (change.stack, change.logical_id))


def _rank(change: ResourceChange) -> tuple[int, int, str]:
    worst = min((_CATEGORIES.index(danger.category) for danger in change.dangers), default=len(_CATEGORIES))
    return worst, _KINDS.index(change.kind), change.name


def _capital(danger: Danger) -> Danger:
    return dataclasses.replace(danger, message=danger.message[0].upper() + danger.message[1:])
