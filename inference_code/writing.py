"""Answers: labels and scores become a body that the client accepts."""

import csv
import io
import json
from dataclasses import dataclass
from typing import Any, TypedDict

from reading import CSV, JSON, JSON_LINES, PLAIN
from refusals import RequestError, shown


class Label(TypedDict):
    """A label's name and its probability."""

    label: str
    score: float


@dataclass(frozen=True)
class Answers:
    """What the texts of a request are answered with, in their order."""

    kind: str
    """The media type of the request."""
    answers: list[Label | list[Label] | RequestError]
    """A text's likeliest label, or a list of them, the likeliest first."""
    alone: bool = False
    """Whether one text was given by itself."""


def write(answers: Answers, accept: str | None) -> tuple[str, str]:
    """Return the body and its media type.

    Raises:
        RequestError: the client accepts none of those that there are.
        ValueError: a score is not a number.
    """
    kind = _accepted(accept, JSON_LINES if answers.kind == PLAIN else answers.kind)
    items = [item.as_json() if isinstance(item, RequestError) else item for item in answers.answers]
    if kind == JSON:
        # As the pipeline has it: one text's list of labels is not put into another list.
        flat = answers.alone and isinstance(items[0], list)
        return _dumps(items[0] if flat else items), kind
    line = _csv_line if kind == CSV else _dumps
    return "".join(f"{line(item)}\n" for item in items), kind


def _accepted(accept: str | None, own: str) -> str:
    """Return the media type that the client wants most; `own` where it leaves the choice."""
    kinds = {
        "*/*": own,
        "application/*": JSON if own == CSV else own,
        "text/*": CSV,
        **{kind: kind for kind in (JSON, JSON_LINES, CSV)},
    }
    wanted = [(quality, kinds[kind]) for kind, quality in _qualities(accept or "*/*") if kind in kinds]
    quality, kind = max(wanted, key=lambda pair: pair[0], default=(0, ""))
    if quality > 0:
        return kind
    message = f"{shown(accept)} is not supported; accept {JSON}, {JSON_LINES} or {CSV}"
    raise RequestError(406, "accept_not_supported", message, "Accept")


def _qualities(accept: str) -> list[tuple[str, float]]:
    """Return the media types of an Accept header, and how much each is wanted, from 0 to 1."""
    found = []
    for item in accept.lower().split(","):
        media_type, *parameters = [part.strip() for part in item.split(";")]
        quality = "1"
        for name, _, value in (parameter.partition("=") for parameter in parameters):
            if name.strip() == "q":
                quality = value.strip()
        # What is no number is taken for what is left out.
        found.append((media_type, float(quality) if quality.replace(".", "", 1).isdecimal() else 1.0))
    return found


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _csv_line(item: Any) -> str:
    """Return labels and scores in turn, or an error's JSON in one column."""
    if isinstance(item, dict) and "error" in item:
        columns = [_dumps(item)]
    else:
        labels = item if isinstance(item, list) else [item]
        columns = [column for label in labels for column in (label["label"], _dumps(label["score"]))]
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(columns)
    return written.getvalue()
