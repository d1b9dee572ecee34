"""The matrix as a section of a page of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.faults.cells import FAULTS, STATES

_TEMPLATE = Path(__file__).with_name("page.md")
_BEGIN, _END = "<!-- made by tests/faults -->\n", "<!-- end of what tests/faults made -->"


def within(page: str, section: str) -> str:
    """The page with the section between its two markers."""
    before, rest = page.split(_BEGIN)
    return f"{before}{_BEGIN}\n{section}\n{_END}{rest.split(_END)[1]}"


def render(rows: list[dict[str, Any]]) -> str:
    """The section, in Markdown."""
    found = {(row["machine"], row["state"], row["fault"]): row for row in rows}
    tables = ""
    for machine, states in STATES.items():
        lines = [
            f"### {machine}\n",
            f"| | {' | '.join(FAULTS)} |",
            f"|---|{'---|' * len(FAULTS)}",
            *(
                f"| {state} | {' | '.join(_cell(found.get((machine, state, fault))) for fault in FAULTS)} |"
                for state in states
            ),
        ]
        tables += "\n".join(lines) + "\n\n"
    right = sum(row["ok"] for row in rows)
    template = _TEMPLATE.read_text(encoding="utf-8")
    return template.format(cells=len(rows), ok=right, tables=tables.rstrip("\n") + "\n")


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "—"
    told = "" if row["notified"] == 1 else f" ({row['notified']} messages)"
    return f"{row['outcome']}{told}"
