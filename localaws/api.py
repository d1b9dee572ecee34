"""The front of the SageMaker API: operations by name, requests checked against botocore's own model."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import botocore.session
from botocore.validate import ParamValidator
from ministack.core.concurrency import run_reentrant

Request = dict[str, Any]
Answer = dict[str, Any]
HttpAnswer = tuple[int, dict[str, str], bytes]
Operation = TypeVar("Operation", bound=Callable[[Request], Answer])
Members = dict[str, Any]

ANY = object()


class ApiError(Exception):
    """An answer that is an error, with the code and HTTP status of AWS's own."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """``code`` is the one that boto3 shows, such as ``ValidationException``."""
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def invalid(message: str) -> ApiError:
    """SageMaker's answer to what it cannot accept and, mostly, to a name that it does not have."""
    return ApiError("ValidationException", message)


def takes(any_value: str, **others: Any) -> Members:
    """The members of a structure that we act on, or that have no meaning without a cloud.

    Args:
        any_value: names of members that may have any value.
        others: members that may have only the one value given, or that are structures (or lists of them),
            described by ``takes`` themselves.
    """
    return dict.fromkeys(any_value.split(), ANY) | others


_operations: dict[str, tuple[Callable[[Request], Answer], Members]] = {}


def operation(name: str, members: Members) -> Callable[[Operation], Operation]:
    """Make a function the operation ``name``; what ``members`` lacks is refused by name."""

    def register(function: Operation) -> Operation:
        _operations[name] = function, members
        return function

    return register


@cache
def model() -> Any:
    """botocore's model of SageMaker."""
    return botocore.session.get_session().get_service_model("sagemaker")


async def handle(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> HttpAnswer:
    """Answer one request; ministack calls this for what is signed for ``sagemaker``."""
    name = headers.get("x-amz-target", "").removeprefix("SageMaker.")
    # A thread of its own: operations call back into this server, which must not wait for a free worker.
    return await run_reentrant(_answer, name, body)  # type: ignore[no-any-return]


def _answer(name: str, body: bytes) -> HttpAnswer:
    try:
        status, result = 200, call(name, json.loads(body or b"{}"))
    except ApiError as error:
        status, result = error.status, {"__type": error.code, "message": error.message}
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(result, default=_epoch).encode()


def call(name: str, request: Request) -> Answer:
    """Check ``request`` and run the operation.

    Raises:
        ApiError: it does not fit the model, asks for what we do not have, or the operation says no.
    """
    if name not in _operations:
        raise ApiError("UnknownOperationException", f"localaws does not implement sagemaker:{name}")
    function, members = _operations[name]
    shape = model().operation_model(name).input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise invalid(report.generate_report())
    problems = [*_constraints(request, shape, ""), *_unsupported(request, members, f"sagemaker:{name}")]
    if problems:
        raise invalid(f"{len(problems)} validation error(s) detected: {'; '.join(problems)}")
    return function(request)


def _unsupported(value: Any, members: Any, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _unsupported(item, members, where)
    elif isinstance(members, dict):
        for key, item in value.items():
            if key not in members:
                yield f"localaws does not implement {key} of {where}"
            elif members[key] is not ANY:
                yield from _unsupported(item, members[key], f"{key} of {where}")
    elif value != members:
        yield f"localaws does not implement {value} as {where}, only {members}"


def _constraints(value: Any, shape: Any, path: str) -> Iterator[str]:
    """What botocore does not check: patterns, lengths and enumerations, in AWS's words."""
    if shape.type_name == "structure":
        for name, item in value.items():
            yield from _constraints(item, shape.members[name], f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _constraints(item, shape.member, f"{path}.{index + 1}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _constraints(key, shape.key, f"{path}.key")
            yield from _constraints(item, shape.value, f"{path}.{key}")
    elif shape.type_name == "string":
        failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must "
        if shape.enum and value not in shape.enum:
            yield f"{failed}satisfy enum value set: [{', '.join(shape.enum)}]"
        if len(value) > shape.metadata.get("max", len(value)):
            yield f"{failed}have length less than or equal to {shape.metadata['max']}"
        pattern = shape.metadata.get("pattern")
        # Python has no \p{...}; those patterns stand on free text only.
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value, re.DOTALL):
            yield f"{failed}satisfy regular expression pattern: {pattern}"


def _epoch(value: object) -> float:
    """A JSON 1.1 timestamp: seconds since the epoch."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} is not JSON")
