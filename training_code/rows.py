"""Labelled reviews: the TSV that people keep, and the JSON Lines that one job hands the next."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from contract import UserError


@dataclass(frozen=True)
class Row:
    """One review and the name of its label."""

    text: str
    label: str


def read_tsv(path: Path, text_column: str, label_column: str, label_names: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a UTF-8 TSV with a header; a label in it is an index into `label_names`.

    Raises:
        UserError: a column, a field or a label is missing or wrong; the message names file and line.
    """
    labels = {str(index): name for index, name in enumerate(label_names)}
    lines = enumerate(_lines(path), start=1)
    _, first = next(lines, (1, ""))
    header = first.split("\t")
    for column in (text_column, label_column):
        if header.count(column) != 1:
            there = "no column" if column not in header else "more than one column"
            raise UserError(
                f"{path.name}, line 1: there is {there} {column!r} among {', '.join(header)}; "
                "the first line must name the columns, separated by tabs"
            )
    for number, line in lines:
        if not line:
            raise UserError(f"{path.name}, line {number}: the line is blank; remove it")
        fields = line.split("\t")
        if len(fields) != len(header):
            raise UserError(
                f"{path.name}, line {number}: {len(fields)} fields instead of {len(header)} "
                f"({', '.join(header)}); a text must not contain tabs or line breaks"
            )
        row = dict(zip(header, fields, strict=True))
        label = row[label_column]
        if label not in labels:
            allowed = ", ".join(f"{index} ({name})" for index, name in labels.items())
            raise UserError(f"{path.name}, line {number}: label {label[:40]!r} is none of {allowed}")
        yield Row(_unquote(row[text_column]), labels[label])


def read_jsonl(path: Path) -> list[Row]:
    """Return the rows of a file that `write_jsonl` wrote.

    Raises:
        UserError: there is no such file, it has no rows, or a line is not `{"text": str, "label": str}`.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist; it is what prepare.py writes")
    rows = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = Row(**json.loads(line))
        except (ValueError, TypeError):
            row = None
        if row is None or not isinstance(row.text, str) or not isinstance(row.label, str):
            raise UserError(f'{path.name}, line {number}: not {{"text": "...", "label": "..."}}: {line[:80]}')
        rows.append(row)
    if not rows:
        raise UserError(f"{path} has no rows")
    return rows


def write_jsonl(path: Path, rows: Iterable[Row]) -> None:
    """Write one `{"text", "label"}` a line, UTF-8, creating the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)


def _lines(path: Path) -> Iterator[str]:
    # Only a line feed ends a line here: a text may hold a carriage return or U+2028.
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path.name}, line {number}: not UTF-8 at byte {error.start} of the line; "
                    "save the file as UTF-8 (from Korean Windows: iconv -f CP949 -t UTF-8)"
                ) from error


def _unquote(text: str) -> str:
    # NSMC was written as CSV twice, and read back never: "He said ""no""" is a text that says: He said "no".
    while len(text) > 1 and text[0] == text[-1] == '"' and '""' in text[1:-1]:
        inner = text[1:-1]
        if '"' in inner.replace('""', ""):
            break
        text = inner.replace('""', '"')
    return text
