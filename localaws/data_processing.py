"""What batch transform does with records: filter them, join them with their results, filter that.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

from localaws.api import Json, invalid
from localaws.json_path import JsonPath, PathError

UNREADABLE = (ValueError, RecursionError, csv.Error, PathError)
OPERATORS = {"json": "$[]*. ,:-'", "csv": "$[]* ,:-"}


class DataError(Exception):
    """A record or a result that cannot be processed; the message says why."""


class Format(Protocol):
    """How records are written."""

    def read(self, text: bytes) -> Any:
        """One record, or a ValueError."""

    def write(self, value: Any) -> bytes:
        """One record, on a line of its own if others follow."""

    def join(self, record: Any, result: Any) -> Any:
        """A record with its result."""


class JsonFormat:
    """JSON, and a line of JSON Lines."""

    def read(self, text: bytes) -> Any:
        """One value."""
        return json.loads(text, parse_constant=_refuse)

    def write(self, value: Any) -> bytes:
        """One line; half a surrogate pair, which UTF-8 has not, stays the escape that it was."""
        return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")

    def join(self, record: Any, result: Any) -> Any:
        """The result is a member more."""
        whole = record if isinstance(record, dict) else {"SageMakerInput": record}
        return whole | {"SageMakerOutput": result}


class CsvFormat:
    """A line of CSV: an array of strings."""

    def read(self, text: bytes) -> Any:
        """One row."""
        rows = list(csv.reader([text.decode()], strict=True))
        return rows[0] if rows else []

    def write(self, value: Any) -> bytes:
        """One row."""
        row = io.StringIO()
        csv.writer(row, lineterminator="").writerow(value if isinstance(value, list) else [value])
        return row.getvalue().encode()

    def join(self, record: Any, result: Any) -> Any:
        """The result's columns follow the record's."""
        return [*record, *result]


FORMATS: dict[str, Format] = {
    "application/json": JsonFormat(),
    "application/jsonlines": JsonFormat(),
    "text/csv": CsvFormat(),
}


class DataProcessing:
    """A job's InputFilter, JoinSource and OutputFilter."""

    def __init__(self, request: Json) -> None:
        """Read them, or an ApiError."""
        given, source = request.get("DataProcessing", {}), request["TransformInput"]
        accept = request["TransformOutput"].get("Accept", "")
        self._joins = given.get("JoinSource") == "Input"
        self._input = _filter("InputFilter", given, source["ContentType"])
        self._output = _filter("OutputFilter", given, accept)
        self._writes = self._joins or self._output is not None
        if self._writes and source["ContentType"] not in FORMATS:
            raise _unfit("ContentType", source["ContentType"])
        if self._writes and accept not in FORMATS:
            raise _unfit("Accept", accept)
        self._read, self._written = FORMATS.get(source["ContentType"]), FORMATS.get(accept)
        if self._joins and type(self._read) is not type(self._written):
            raise invalid(f"{source['ContentType']} cannot be joined with {accept}: both must be JSON or CSV")
        if (self._writes or self._input) and source["ContentType"] != "application/json":
            for where, member in ((source, "SplitType"), (request["TransformOutput"], "AssembleWith")):
                if where.get(member) != "Line":
                    raise invalid(f"DataProcessing of {source['ContentType']} needs {member} Line")

    def asked(self, record: bytes) -> bytes:
        """What of a record the model gets, or a DataError."""
        if not self._input or not self._read:
            return record
        try:
            return self._read.write(self._input(self._read.read(record)))
        except UNREADABLE as error:
            raise DataError(f"InputFilter {self._input.text}: {error}") from error

    def written(self, records: Sequence[bytes], answer: bytes) -> bytes:
        """What is written of the answer to these records, or a DataError."""
        if not self._writes or not self._read or not self._written:
            return answer
        results = [answer] if len(records) == 1 else answer.removesuffix(b"\n").split(b"\n")
        if len(results) != len(records):
            raise DataError(
                "Fail to join data: mismatched line count between the input and the output: the model "
                f"answered {len(records)} records with {len(results)} lines"
            )
        try:
            return b"\n".join(map(self._one, records, results))
        except UNREADABLE as error:
            raise DataError(f"Fail to join data: {error}") from error

    def _one(self, record: bytes, answer: bytes) -> bytes:
        assert self._read and self._written
        result = self._written.read(answer.rstrip(b"\r\n"))
        if self._joins:
            result = self._written.join(self._read.read(record), result)
        return self._written.write(self._output(result) if self._output else result)


def _filter(member: str, given: Json, content_type: str) -> JsonPath | None:
    """A filter that changes something."""
    text = given.get(member, "$")
    if text == "$":
        return None
    if content_type not in FORMATS:
        raise _unfit("ContentType" if member == "InputFilter" else "Accept", content_type)
    operators = OPERATORS["csv" if content_type == "text/csv" else "json"]
    for character in text:
        letter = character.isalpha() and content_type != "text/csv"
        if not (letter or character.isdecimal() or character in operators):
            raise invalid(
                f'Invalid {member}: "{text}". Unexpected "{character}" in JsonPath. '
                f'Supported operators for "{content_type}" are {list(operators)}'
            )
    try:
        return JsonPath(text)
    except PathError as error:
        raise invalid(f'Invalid {member}: "{text}". {error}') from error


def _unfit(member: str, content_type: str) -> Exception:
    given = repr(content_type) if content_type else "not given"
    return invalid(f"DataProcessing needs {member} to be one of {', '.join(FORMATS)}; it is {given}")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
