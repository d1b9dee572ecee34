"""The fault matrix: every state that calls something, and every fault that it can meet.

`FAULT_MATRIX=update` writes its section of docs/reliability.md anew.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cells import STATES, faults_of
from tests.faults.drives import Drives
from tests.faults.journeys import GROUPS
from tests.faults.laboratory import Laboratory
from tests.faults.page import render, within

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
CELLS = [
    (machine, state, fault)
    for machine, states in STATES.items()
    for state in states
    for fault in faults_of(machine, state)
]

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="session")
def matrix(laboratories: list[Laboratory]) -> list[dict[str, Any]]:
    """The rows, in the order of the cells."""
    drives = [Drives(laboratory) for laboratory in laboratories]

    def travel(number: int) -> None:
        for journey in GROUPS[number]:
            journey(drives[number])

    with ThreadPoolExecutor() as pool:
        list(pool.map(travel, range(len(GROUPS))))
    found = {(row["machine"], row["state"], row["fault"]): row for driven in drives for row in driven.rows}
    rows = [found[cell] for cell in CELLS if cell in found]
    (ROOT / "build").mkdir(exist_ok=True)
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    (ROOT / "build" / "fault-matrix.json").write_text(text + "\n", encoding="utf-8")
    return rows


def test_every_state_that_calls_something_is_in_the_matrix(laboratories: list[Laboratory]) -> None:
    deployed = {
        machine: {
            name
            for name, state in laboratories[0].definition(machine)["States"].items()
            if state["Type"] == "Task"
        }
        for machine in STATES
    }
    assert deployed == {machine: set(states) for machine, states in STATES.items()}


@pytest.mark.parametrize(
    ("machine", "state", "fault"), [pytest.param(*cell, id=" ".join(cell)) for cell in CELLS]
)
def test_a_fault_ends_as_designed(matrix: list[dict[str, Any]], machine: str, state: str, fault: str) -> None:
    rows = [row for row in matrix if (row["machine"], row["state"], row["fault"]) == (machine, state, fault)]
    assert [row["ok"] for row in rows] == [True], rows


def test_the_page_shows_the_matrix(matrix: list[dict[str, Any]]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = within(page, render(matrix))
    if os.environ.get("FAULT_MATRIX") == "update":
        PAGE.write_text(made, encoding="utf-8")
    else:
        assert page == made, "FAULT_MATRIX=update writes the section anew"
