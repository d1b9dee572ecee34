"""Requests: a body and its content type become texts.

application/json        {"inputs": TEXT or a list of them, "parameters": {…}}, where TEXT is "…" or
                        {"text": "…", "text_pair": "…"}; or {"text": "…", "text_pair": "…", "parameters": {…}}
application/jsonlines   a line each: "…", or such an object with one text
text/csv                a line each: one column, a text, or two, a pair; no header
text/plain              a line each: a text
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass

import json_requests
from refusals import RequestError, shown
from texts import SURROGATES, Text, check_number, normalised

JSON, JSON_LINES, CSV, PLAIN = "application/json", "application/jsonlines", "text/csv", "text/plain"

_CONVERT = "convert it to UTF-8, from EUC-KR or CP949 maybe"


@dataclass(frozen=True)
class Request:
    """What a body holds."""

    kind: str
    """Its media type: JSON, JSON_LINES, CSV or PLAIN."""
    texts: list[Text | RequestError]
    """In their order; an error in place of a line that has no text in it."""
    alone: bool = False
    """Whether one text was given by itself, not in a list."""


def read(body: str | bytes | bytearray | None, content_type: object, most: int | None) -> Request:
    """Read a request of at most so many texts.

    Raises:
        RequestError: it cannot be read as a whole.
    """
    kind = _kind(content_type)
    if kind == JSON:
        texts, alone = json_requests.read_body(json_requests.parse(_decoded(body, "strict")), most)
        return Request(kind, [*texts], alone)
    # JSON Lines are cut at line feeds and nowhere else, and so are the others.
    *lines, last = _decoded(body, "surrogateescape").split("\n")
    lines += [last] if last else []
    if not lines:
        raise RequestError(400, "no_texts", "the body is empty; send a text a line", "body")
    check_number(len(lines), most, "body")
    if kind != JSON_LINES:
        lines[0] = lines[0].removeprefix("\ufeff")  # Excel and Notepad write it
    return Request(kind, [_line(_LINES[kind], line, number) for number, line in enumerate(lines, 1)])


def _kind(content_type: object) -> str:
    # What the toolkit makes of a form can be anything.
    text = content_type if isinstance(content_type, str) else ""
    media_type, *parameters = [part.strip().lower() for part in text.split(";")]
    if media_type not in (JSON, *_LINES):
        message = f"{shown(content_type)} is not supported; send {JSON}, {', '.join(_LINES)}"
        raise RequestError(415, "content_type_not_supported", message, "Content-Type")
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8"):
            message = f"{shown(content_type)} is not supported; send UTF-8"
            raise RequestError(415, "charset_not_supported", message, "Content-Type")
    return media_type


def _decoded(body: str | bytes | bytearray | None, errors: str) -> str:
    if body is None or isinstance(body, str):
        return body or ""
    try:
        if body.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise RequestError(400, "not_utf_8", "the body is UTF-16; convert it to UTF-8", "body")
        return body.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; {_CONVERT}"
        raise RequestError(400, "not_utf_8", message, "body") from None


def _line(reads: Callable[[str], Text], line: str, number: int) -> Text | RequestError:
    where = f"line {number}"
    try:
        if SURROGATES.search(line):
            raise RequestError(400, "not_utf_8", f"it is not UTF-8; {_CONVERT}", "body")
        text = reads(line.removesuffix("\r"))
    except RequestError as error:
        return error.within(where)
    return Text(text.text, text.pair, text.parameters, where)


def _json_line(line: str) -> Text:
    value = json_requests.parse(line)
    if isinstance(value, str):
        return Text(normalised(value, "body"))
    if isinstance(value, dict):
        value.pop("id", None)  # what the owner of a batch knows it by
    return json_requests.read_one(value)


def _csv_line(line: str) -> Text:
    try:
        # A record of its own, so that a quote that is not closed takes no other with it.
        columns = next(csv.reader([line], strict=True), []) or [""]
    except csv.Error as error:
        raise RequestError(400, "malformed_csv", f"it is not CSV: {error}", "body") from None
    if len(columns) > 2:
        message = (
            f"it has {len(columns)} columns; send one, a text, or two, a pair of texts, "
            "and quote a text that has commas"
        )
        raise RequestError(400, "too_many_columns", message, "body")
    texts = [normalised(column, f"column {number}") for number, column in enumerate(columns, 1)]
    return Text(texts[0], texts[1] if len(texts) > 1 else None)


def _plain_line(line: str) -> Text:
    return Text(normalised(line, "body"))


_LINES = {JSON_LINES: _json_line, CSV: _csv_line, PLAIN: _plain_line}
