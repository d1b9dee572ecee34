"""Executions that meet faults, and what is seen of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.cells import FAULTS, FOR_EVER, OF_JOBS, faults_of
from tests.faults.laboratory import Laboratory

Cell = tuple[str, str, str]
"""Machine, state, fault."""


@dataclass
class Seen:
    """How a drive of an execution ended, and what it left."""

    execution: str
    status: str
    error: str
    last_state: str
    met: set[Cell]
    messages: int
    served: bool
    leftovers: list[str]


@dataclass
class Drives:
    """Drives executions of a laboratory, and keeps a row for each cell of the matrix."""

    lab: Laboratory
    rows: list[dict[str, Any]] = field(default_factory=list)

    def drive(
        self,
        machine: str,
        start: dict[str, Any] | str,
        *cells: Cell,
        meanwhile: Callable[[], object] | None = None,
    ) -> Seen:
        """Start an execution, or redrive one, among the faults; wait until all that it began is over."""
        lab, asked = self.lab, self.lab.client
        failures, answered = len(asked.failures), asked.answered
        for of, state, fault in cells:
            lab.aws.inject(f"nunchi-dev-{of}", state, **FAULTS[fault])
        execution = start if isinstance(start, str) else lab.start(machine, start)
        if isinstance(start, str):
            lab.redrive(execution)
        if meanwhile:
            meanwhile()
        ended = lab.ended(execution)
        lab.quiet()
        left = lab.aws.clear_faults()
        names = {(one["machine"], one["state"]) for one in left if one.get("met")}
        lab.deployment.ask("재미있어요")
        return Seen(
            execution=execution,
            status=ended["status"],
            error=ended.get("error") or "",
            last_state=lab.entered(execution)[-1],
            met={cell for cell in cells if (f"nunchi-dev-{cell[0]}", cell[1]) in names},
            messages=lab.messages(execution),
            served=len(asked.failures) == failures and asked.answered >= answered,
            leftovers=lab.leftovers(),
        )

    def record(
        self,
        cell: Cell,
        seen: Seen,
        outcome: str,
        right: bool,
        *,
        notified: int = 1,
        leftovers: Sequence[str] = (),
    ) -> None:
        """Keep what was seen of a cell; `right` is whether the execution ended as designed."""
        machine, state, fault = cell
        right = right and seen.served and seen.messages == notified and seen.leftovers == list(leftovers)
        self.rows.append(
            {
                "machine": machine,
                "state": state,
                "fault": fault,
                "outcome": outcome if right else f"{seen.status} in {seen.last_state} {seen.error}",
                "champion_served": seen.served,
                "notified": seen.messages,
                "leftovers": seen.leftovers,
                "ok": right,
            }
        )


class Walk:
    """One execution from state to state: it fails of each fault that lasts, and is redriven.

    What throttles a state twice is met on the way to the next one.
    """

    def __init__(self, drives: Drives, machine: str, request: dict[str, Any]) -> None:
        self._drives, self._machine = drives, machine
        self._start: dict[str, Any] | str = request
        self._pending: list[Cell] = []

    def through(self, *states: str) -> Walk:
        """Let each of the states meet every fault of a call."""
        for state in states:
            for fault in FOR_EVER:
                self.fail(state, (self._machine, state, fault))
            self.recover(self._machine, state)
            for fault in set(OF_JOBS) & set(faults_of(self._machine, state)):
                if state not in ("Train", "Promote"):
                    self.fail(state, (self._machine, state, fault))
        return self

    def recover(self, machine: str, state: str) -> None:
        """Throttle the state twice when it is come by next."""
        self._pending.append((machine, state, "throttled twice"))

    def fail(
        self,
        state: str,
        *cells: Cell,
        of: Sequence[Cell] = (),
        meanwhile: Callable[[], object] | None = None,
        outcome: str = "fails",
    ) -> None:
        """Fail in the state because of faults; rows are kept of them, and of the cells `of`."""
        pending = [cell for cell in self._pending if cell[1] != state]
        self._pending = [cell for cell in self._pending if cell[1] == state]
        seen = self._drives.drive(self._machine, self._start, *pending, *cells, meanwhile=meanwhile)
        self._start = seen.execution
        stopped = seen.last_state == state
        for cell in pending:
            self._drives.record(cell, seen, "goes on", stopped and cell in seen.met)
        ended = stopped and seen.status == "FAILED"
        for cell in of or cells:
            met = not cells or set(cells) <= seen.met
            self._drives.record(cell, seen, outcome, ended and met)

    def finish(self, *, outcome: str = "goes on", notified: int = 1) -> None:
        """Come by the last states, and end well."""
        seen = self._drives.drive(self._machine, self._start, *self._pending)
        for cell in self._pending:
            right = seen.status == "SUCCEEDED" and cell in seen.met
            self._drives.record(cell, seen, outcome, right, notified=notified)
