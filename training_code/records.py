"""Rows as they are checked: cleaned texts with the names of their labels, and where each came from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypedDict

import sources
from normalisation import normalise
from problems import Problems, quoted
from progress import watched


class Record(NamedTuple):
    """A normalised text that is not empty, the name of its label, and its place in the data."""

    text: str
    label: str
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
    """Rows whose text has nothing in it."""
    files: list[File] = field(default_factory=list)


@dataclass(frozen=True)
class Form:
    """How the rows are written, and how long a text may be."""

    text_column: str
    label_column: str
    labels: Mapping[str, str]
    """What a label is in the files → its name."""
    max_text_characters: int


def read(folder: Path, form: Form, problems: Problems) -> Side:
    """Return what the folder's files hold; what is wrong with a row is added to `problems`.

    Raises:
        UserError: there is no file, one of another format, or Parquet without pyarrow.
    """
    side = Side()
    columns = form.text_column, form.label_column
    written = ", ".join(f"{value} ({name})" for value, name in form.labels.items())
    unknown = f"unknown label: it must be one of {written}; mend it, or add it to labels"
    not_text = f"columns: {form.text_column!r} must hold texts"
    longest = form.max_text_characters
    too_long = f"max_text_characters: a text may have {longest:,}; cut it, remove it, or raise the limit"
    for path in sources.find(folder):
        name = f"{folder.name}/{path.relative_to(folder)}"
        data = path.read_bytes()
        rows = 0
        for number, text, label in watched(
            sources.read(path, data, name, columns, problems), f"[prepare] reading {name}"
        ):
            rows += 1
            label_name = form.labels.get(_as_text(label))
            if label_name is None:
                problems.add(unknown, f"{name}:{number}: {quoted(_as_text(label))}")
            elif not isinstance(text, str | None):
                problems.add(not_text, f"{name}:{number}: {quoted(text)}")
            elif not (clean := normalise(text or "")):
                side.empty += 1
            elif len(clean) > longest:
                problems.add(too_long, f"{name}:{number}: {len(clean):,}: {quoted(clean)}")
            else:
                side.records.append(Record(clean, label_name, name, number))
        side.files.append({"file": name, "rows": rows, "sha256": hashlib.sha256(data).hexdigest()})
    return side


def _as_text(label: object) -> str:
    # JSON and Parquet have labels that are no texts.
    if isinstance(label, str):
        return label
    if label is None:
        return ""
    return str(label).lower() if isinstance(label, bool) else str(label)
