"""Labelled texts as one job hands them to the next: JSON Lines."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from contract import UserError


@dataclass(frozen=True)
class Row:
    """One text and the name of its label."""

    text: str
    label: str


def read_jsonl(path: Path) -> list[Row]:
    """Return the rows of a file that `write_jsonl` wrote.

    Raises:
        UserError: there is no such file, it has no rows, or a line is not `{"text": str, "label": str}`.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist; it is what prepare.py writes")
    rows = []
    # Only a line feed ends a line here: a text may hold U+2028.
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = Row(**json.loads(line))
            except (ValueError, TypeError):
                row = None
            if row is None or not isinstance(row.text, str) or not isinstance(row.label, str):
                raise UserError(
                    f'{path.name}, line {number}: not {{"text": "...", "label": "..."}}: {line[:80]}'
                )
            rows.append(row)
    if not rows:
        raise UserError(f"{path} has no rows")
    return rows


def write_jsonl(path: Path, rows: Iterable[Row]) -> None:
    """Write one `{"text", "label"}` a line, UTF-8, creating the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(
            json.dumps({"text": row.text, "label": row.label}, ensure_ascii=False) + "\n" for row in rows
        )
