"""Rows as they are checked: cleaned texts with the names of their labels, and where each came from."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import sources
from form import Form, RowError
from problems import Problems
from progress import watched
from rows import Row


@dataclass(frozen=True, kw_only=True)
class Record(Row):
    """A row whose texts are normalised and not empty, and its place in the data."""

    file: str
    number: int
    """Line, or row of a Parquet file, from 1."""

    @property
    def place(self) -> str:
        """As in `train/reviews.tsv:3`."""
        return f"{self.file}:{self.number}"


class File(TypedDict):
    """A file that was read, with how many rows it had."""

    file: str
    rows: int
    sha256: str


@dataclass
class Side:
    """What a folder of the data holds."""

    records: list[Record] = field(default_factory=list)
    empty: int = 0
    """Rows of which a text has nothing in it."""
    files: list[File] = field(default_factory=list)


def read(folder: Path, form: Form, problems: Problems) -> Side:
    """Return what the folder's files hold; what is wrong with a row is added to `problems`.

    Raises:
        UserError: there is no file, one of another format, or Parquet without pyarrow.
    """
    side = Side()
    text_column, _, text_pair_column = form.columns
    for path in sources.find(folder):
        name = f"{folder.name}/{path.relative_to(folder)}"
        data = path.read_bytes()
        rows = 0
        for raw in watched(
            sources.read(path, data, name, form.columns, problems), f"[prepare] reading {name}"
        ):
            rows += 1
            try:
                labels = form.labels(raw.label)
                text = form.text(text_column, raw.text)
                text_pair = form.text(text_pair_column, raw.text_pair) if text_pair_column else None
            except RowError as wrong:
                problems.add(wrong.rule, f"{name}:{raw.number}: {wrong.found}")
                continue
            if text and text_pair != "":
                side.records.append(
                    Record(text, labels, text_pair, form.multi_label, file=name, number=raw.number)
                )
            else:
                side.empty += 1
        side.files.append({"file": name, "rows": rows, "sha256": hashlib.sha256(data).hexdigest()})
    return side
