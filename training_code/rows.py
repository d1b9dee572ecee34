"""Labelled texts as one job hands them to the next: JSON Lines."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from contract import UserError

_FORMS = (
    '{"text": "...", "label": "..."}, or with "labels": ["...", ...] where a text may have several, '
    'and with a "text_pair": "..." where it is a pair of texts'
)


@dataclass(frozen=True)
class Row:
    """A text, or a pair of texts, and the names of its labels."""

    text: str
    labels: tuple[str, ...]
    """One, unless the task is multi-label: then none, one or several."""
    text_pair: str | None = None
    multi_label: bool = False
    """Whether a text of this task may have several labels; this one need not."""

    def __post_init__(self) -> None:
        """Refuse a row that has no label, or several, where it must have one."""
        if not self.multi_label and len(self.labels) != 1:
            raise ValueError(f"a row of a task that is not multi-label has one label, not {self.labels!r}")

    @property
    def label(self) -> str:
        """The one label.

        Raises:
            ValueError: the task is multi-label.
        """
        if self.multi_label:
            raise ValueError("the row is of a multi-label task: it has labels, not a label")
        return self.labels[0]

    @property
    def inputs(self) -> str | dict[str, str]:
        """What the model's handlers are asked with."""
        return self.text if self.text_pair is None else {"text": self.text, "text_pair": self.text_pair}

    @property
    def texts(self) -> tuple[str, ...]:
        """The text, or the two of a pair."""
        return (self.text,) if self.text_pair is None else (self.text, self.text_pair)

    @property
    def whole(self) -> str:
        """All of the text: the two of a pair one after the other."""
        return " ".join(self.texts)


def read_jsonl(path: Path) -> list[Row]:
    """Return the rows of a file that `write_jsonl` wrote.

    Raises:
        UserError: there is no such file, it has no rows, a line is no row, or one is of another kind than the
            first: has `labels` in place of `label`, or a `text_pair` where that has none.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist; it is what prepare.py writes")
    rows: list[Row] = []
    # Only a line feed ends a line here: a text may hold U+2028.
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            row = _row(line)
            if row is None:
                raise UserError(f"{path.name}, line {number}: not {_FORMS}: {line[:80]}")
            if rows and _kind(row) != _kind(rows[0]):
                raise UserError(
                    f"{path.name}, line {number}: it has {_kind(row)}, and line 1 has {_kind(rows[0])}; "
                    "a file is of one kind throughout, so write it anew by prepare.py"
                )
            rows.append(row)
    if not rows:
        raise UserError(f"{path} has no rows")
    return rows


def _row(line: str) -> Row | None:
    try:
        given = json.loads(line)
    except ValueError:
        return None
    if not isinstance(given, dict) or given.keys() - {"text_pair"} not in (
        {"text", "label"},
        {"text", "labels"},
    ):
        return None
    multi_label = "labels" in given
    labels = given["labels"] if multi_label else [given["label"]]
    texts = [text for name, text in given.items() if name.startswith("text")]
    if not isinstance(labels, list) or not all(isinstance(value, str) for value in (*texts, *labels)):
        return None
    return Row(given["text"], tuple(labels), given.get("text_pair"), multi_label)


def _kind(row: Row) -> str:
    return ("labels" if row.multi_label else "label") + ("" if row.text_pair is None else " and text_pair")


def write_jsonl(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows a line each, UTF-8, creating the folder: `text`, `text_pair` of a pair, `label`.

    Those of a multi-label task have `labels`, a list, in place of `label`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            pair = {} if row.text_pair is None else {"text_pair": row.text_pair}
            label = {"labels": row.labels} if row.multi_label else {"label": row.label}
            file.write(json.dumps({"text": row.text, **pair, **label}, ensure_ascii=False) + "\n")
