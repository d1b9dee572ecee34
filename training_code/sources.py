"""The files that people keep labelled texts in: TSV, CSV, JSON Lines and Parquet."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from contract import UserError
from problems import Problems


class Raw(NamedTuple):
    """A row as it stands in a file."""

    number: int
    """Line, or row of a Parquet file, from 1."""
    text: object
    label: object
    text_pair: object = None


class Columns(NamedTuple):
    """Names of the columns that are read, by the arguments that set them."""

    text_column: str
    label_column: str
    text_pair_column: str | None = None

    @property
    def names(self) -> list[str]:
        """The text's, the label's and, where texts come in pairs, the second text's."""
        return [name for name in self if name is not None]


_ENCODING = "encoding: a file must be UTF-8; save it as that (from Korean Windows: iconv -f CP949 -t UTF-8)"
_FIELDS = "columns: a line must have as many fields as the first; a text in a TSV has no tab or line break"
_QUOTES = "columns: a quote that opens a field of a CSV must be closed, and one within it be doubled"


def find(folder: Path) -> list[Path]:
    """Return the files below the folder, sorted, without those that a tool left (`_SUCCESS`, `.crc`).

    Raises:
        UserError: there is none, or one that is none of the four formats.
    """
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts)
    )
    if not paths:
        raise UserError(f"there is no file in {folder}; put some there that end in {_FORMATS}")
    problems = Problems()
    for path in paths:
        if path.suffix.lower() not in (*_TEXTS, _PARQUET):
            problems.add(
                f"format: the name of a file must end in {_FORMATS}; convert it, or move it away",
                f"{folder.name}/{path.relative_to(folder)}",
            )
    problems.raise_if_any()
    return paths


def read(path: Path, data: bytes, name: str, columns: Columns, problems: Problems) -> Iterator[Raw]:
    """Yield the rows of the file at `path`, whose bytes are `data`, by the format that its suffix names.

    Blank lines are passed over. What cannot be read is added to `problems` under the file's `name`.

    Raises:
        UserError: the file is Parquet, and pyarrow is not installed.
    """
    suffix = path.suffix.lower()
    if suffix == _PARQUET:
        yield from _parquet(data, name, columns, problems)
    elif (text := _decode(data, name, problems)) is not None:
        yield from _TEXTS[suffix](text, name, columns, problems)


def _decode(data: bytes, name: str, problems: Problems) -> str | None:
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            problems.add(_ENCODING, f"{name}:{number}: byte {error.start + 1} of the line")
    return None


def _tsv(text: str, name: str, columns: Columns, problems: Problems) -> Iterator[Raw]:
    # Only a line feed ends a line here: a text may hold a carriage return or U+2028.
    lines = enumerate(text.split("\n"), start=1)
    header = next(lines)[1].rstrip("\r").split("\t")
    if not (places := _places(header, columns, name, problems)):
        return
    for number, line in lines:
        if not (line := line.rstrip("\r")):
            continue
        fields = line.split("\t")
        if _complete(fields, header, name, number, problems):
            yield Raw(number, *(_unquote(fields[place]) for place in places))


def _csv(text: str, name: str, columns: Columns, problems: Problems) -> Iterator[Raw]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if not (places := _places(header, columns, name, problems)):
            return
        begin = reader.line_num + 1
        for fields in reader:
            number, begin = begin, reader.line_num + 1
            if fields and _complete(fields, header, name, number, problems):
                yield Raw(number, *(fields[place] for place in places))
    except csv.Error as error:
        problems.add(_QUOTES, f"{name}:{reader.line_num}: {error}")


def _jsonl(text: str, name: str, columns: Columns, problems: Problems) -> Iterator[Raw]:
    shown = ", ".join(f'"{column}": "…"' for column in columns.names)
    rule = f"columns: a line must be an object, as in {{{shown}}}"
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        row = None
        with suppress(ValueError, RecursionError):
            row = json.loads(line)
        if isinstance(row, dict) and row.keys() >= set(columns.names):
            yield Raw(number, *(row[column] for column in columns.names))
        else:
            problems.add(rule, f"{name}:{number}: {line[:60]}")


def _parquet(data: bytes, name: str, columns: Columns, problems: Problems) -> Iterator[Raw]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise UserError(
            f"{name}: pyarrow reads Parquet, and is not installed; set data.parquet and put its wheel below "
            "packages/ of the artifact bucket (docs/bring-your-own-data.md), or give the data as JSON Lines"
        ) from error
    number = 0
    # ArrowInvalid is a ValueError, and what is cut off an OSError.
    try:
        file = ParquetFile(io.BytesIO(data))
        if not _places(file.schema_arrow.names, columns, name, problems):
            return
        for batch in file.iter_batches(columns=columns.names):
            for row in zip(*(batch.column(column).to_pylist() for column in columns.names), strict=True):
                number += 1
                yield Raw(number, *row)
    except (ValueError, OSError) as error:
        problems.add("format: a file that ends in .parquet must be one", f"{name}:{number + 1}: {error}")


def _places(header: Sequence[str], columns: Columns, name: str, problems: Problems) -> list[int] | None:
    """Return where the columns stand; None if one is missing or there twice."""
    wanted = " and ".join(
        f"{column!r} ({by})" for by, column in columns._asdict().items() if column is not None
    )
    wrong = [column for column in columns.names if header.count(column) != 1]
    for column in wrong:
        there = "more than one" if column in header else "no"
        problems.add(
            f"columns: there must be {wanted}, each once; mend the first line, or the settings",
            f"{name}:1: {there} {column!r} among {', '.join(header)[:60]}",
        )
    return None if wrong else [header.index(column) for column in columns.names]


def _complete(fields: list[str], header: list[str], name: str, number: int, problems: Problems) -> bool:
    if len(fields) != len(header):
        problems.add(_FIELDS, f"{name}:{number}: {len(fields)} instead of {len(header)}")
    return len(fields) == len(header)


def _unquote(text: str) -> str:
    # NSMC was written as CSV twice, and read back never: "He said ""no""" is a text that says: He said "no".
    while len(text) > 1 and text[0] == text[-1] == '"' and '""' in text[1:-1]:
        inner = text[1:-1]
        if '"' in inner.replace('""', ""):
            break
        text = inner.replace('""', '"')
    return text


_TEXTS: dict[str, Callable[[str, str, Columns, Problems], Iterator[Raw]]] = {
    ".tsv": _tsv,
    ".csv": _csv,
    ".jsonl": _jsonl,
}
_PARQUET = ".parquet"
_FORMATS = f"{', '.join(_TEXTS)} or {_PARQUET}"
