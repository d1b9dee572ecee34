"""The part of JSONPath that batch transform has.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html#data-processing-operators
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

STEP = re.compile(r"(?P<all>\.?\[\s*\*\s*\]|\.\*)|\.?\[(?P<inside>[^\]]+)\]|\.(?P<name>[^.*:,'\[\]\s]+)")
NAMES = re.compile(r"\s*'[^']*'(\s*,\s*'[^']*')*\s*")
RANGE = re.compile(r"(-?\d+)?\s*:\s*(-?\d+)?")

Step = Callable[[Any], Any]


class PathError(Exception):
    """A path that is none, or that leads nowhere; the message says why."""


class JsonPath:
    """A path into a JSON document."""

    def __init__(self, text: str) -> None:
        """Read it, or a PathError."""
        self.text = text
        self._steps = list[Step]()
        if not text.startswith("$"):
            raise PathError("it must start with $")
        position = 1
        while position < len(text):
            found = STEP.match(text, position)
            if not found:
                raise PathError(f"{text[position:]!r} is no .name, .*, ['name'], [0], [0,2] or [1:3]")
            if found["all"]:
                self._steps.append(_all)
            elif found["name"]:
                self._steps.append(partial(_named, name=found["name"]))
            else:
                self._steps.append(_bracketed(found["inside"]))
            position = found.end()

    def __call__(self, document: Any) -> Any:
        """What it leads to in a document, or a PathError."""
        for step in self._steps:
            document = step(document)
        return document


def _bracketed(inside: str) -> Step:
    if NAMES.fullmatch(inside):
        names = re.findall(r"'([^']*)'", inside)
        return partial(_named, name=names[0]) if len(names) == 1 else partial(_object, names=names)
    parts = list[int | slice]()
    for text in (part.strip() for part in inside.split(",")):
        if found := RANGE.fullmatch(text):
            parts.append(slice(*(None if end is None else int(end) for end in found.groups())))
        elif re.fullmatch(r"-?\d+", text):
            parts.append(int(text))
        else:
            raise PathError(f"{text!r} in [{inside}] is no index, no range, and no name in single quotes")
    if sum(isinstance(part, slice) for part in parts) > 1:
        raise PathError(
            f"only single range filters of format (eg: [1:5]) are supported. "
            f"Format [{inside}] is not supported"
        )
    if len(parts) == 1 and isinstance(parts[0], int):
        return lambda value: _elements(value, parts[0])[0]
    return lambda value: [element for part in parts for element in _elements(value, part)]


def _all(value: Any) -> Any:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list):
        return value
    raise PathError("* of a value that has no parts")


def _named(value: Any, name: str) -> Any:
    if isinstance(value, list):  # of each of its objects that has it
        return [item[name] for item in value if isinstance(item, dict) and name in item]
    if not isinstance(value, dict) or name not in value:
        raise PathError(f"key error: {name} not found in object")
    return value[name]


def _object(value: Any, names: list[str]) -> Any:
    return {name: _named(value, name) for name in names}


def _elements(value: Any, part: int | slice) -> list[Any]:
    """Those of an index or a range: unlike in Python they must be there, and a range includes its end."""
    if not isinstance(value, list):
        raise PathError("an index into a value that is no array")
    count = len(value)
    start, end = (part.start, part.stop) if isinstance(part, slice) else (part, part)
    start, end = 0 if start is None else start, count - 1 if end is None else end
    start, end = (place + count if place < 0 else place for place in (start, end))
    if not 0 <= start <= end < count:
        raise PathError(f"index out of range: there are {count} values")
    return value[start : end + 1]
