"""The front of an API: operations by name, checked against botocore's own model of the service."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import botocore.session
import regex  # Python's own re has no \p{…}, which AWS's patterns use
from botocore.validate import ParamValidator
from ministack.core.concurrency import run_reentrant

Json = dict[str, Any]
HttpAnswer = tuple[int, dict[str, str], bytes]
Operation = TypeVar("Operation", bound=Callable[[Json], Json | None])

# The characters beyond U+FFFF, as a pattern for Java names them and as one for Python does.
JAVA_REST, PYTHON_REST = r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"


class ApiError(Exception):
    """An answer that is an error; ``code`` is the one that boto3 shows, such as ``ValidationException``."""

    def __init__(self, code: str, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code


def invalid(message: str) -> ApiError:
    """SageMaker's answer to what it cannot accept and, mostly, to a name that it does not have."""
    return ApiError("ValidationException", message)


class Service:
    """One service's API."""

    def __init__(self, name: str) -> None:
        """Of ``name`` in botocore."""
        self.name = name
        self._operations: dict[str, tuple[Callable[[Json], Json | None], dict[str, str]]] = {}

    @cached_property
    def model(self) -> Any:
        """botocore's model of it."""
        return botocore.session.get_session().get_service_model(self.name)

    def operation(self, name: str, members: str) -> Callable[[Operation], Operation]:
        """Make a function the operation ``name``; of what it returns, the answer has what the model has.

        ``members`` names all that a request may have, at any depth; ``name=value`` may have only that value,
        or one of those between bars, and ``name!`` must be given wherever it can be. Anything else is refused
        by name. Members that are named and not acted on have no meaning without a cloud: nobody checks a
        role, nothing is encrypted.
        """

        def register(function: Operation) -> Operation:
            self._operations[name] = function, dict(word.partition("=")[::2] for word in members.split())
            return function

        return register

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> HttpAnswer:
        """Answer one request; ministack calls this for what is signed for the service."""
        name = headers.get("x-amz-target", "").rpartition(".")[2]
        # A thread of its own: operations call back into this server, which must not wait for a free worker.
        return await run_reentrant(self._answer, name, body)  # type: ignore[no-any-return]

    def _answer(self, name: str, body: bytes) -> HttpAnswer:
        try:
            status, result = 200, self.call(name, json.loads(body or b"{}"))
        except ApiError as error:
            status, result = 400, {"__type": error.code, "message": str(error)}
        text = json.dumps(result, default=datetime.timestamp)  # in JSON 1.1 a time is seconds since the epoch
        return status, {"Content-Type": "application/x-amz-json-1.1"}, text.encode()

    def call(self, name: str, request: Json) -> Json:
        """Check ``request`` (an ApiError says what is wrong), run the operation, and give its answer."""
        if name not in self._operations:
            raise ApiError("UnknownOperationException", f"localaws does not implement {self.name}:{name}")
        function, members = self._operations[name]
        described = self.model.operation_model(name)
        report = ParamValidator().validate(request, described.input_shape)
        if report.has_errors():
            raise invalid(report.generate_report())
        if problems := list(_problems(request, described.input_shape, "", members)):
            raise invalid(f"{len(problems)} validation error(s) detected: {'; '.join(problems)}")
        answer = function(request) or {}
        return fit(answer, described.output_shape) if described.output_shape else {}


sagemaker = Service("sagemaker")
operation, call = sagemaker.operation, sagemaker.call


def fit(value: Any, shape: Any) -> Any:
    """The part of ``value`` that ``shape`` has."""
    if shape.type_name == "structure":
        # A copy first: a job's supervisor may be changing the record.
        return {k: fit(v, shape.members[k]) for k, v in dict(value).items() if k in shape.members}
    return [fit(item, shape.member) for item in value] if shape.type_name == "list" else value


def _problems(value: Any, shape: Any, path: str, members: dict[str, str]) -> Iterator[str]:
    """What we do not have, and what botocore does not check: maxima, patterns, enumerations."""
    if shape.type_name == "structure":
        for name in shape.members:
            if f"{name}!" in members and name not in value:
                yield f"{name} is required{path and ' in '}{path}"
        for name, item in value.items():
            where = f"{path}.{name}".lstrip(".")
            only = members.get(name, "" if f"{name}!" in members else None)
            if only is None:
                yield f"localaws does not implement {where}"
            elif only and str(item) not in only.split("|"):
                yield f"localaws does not implement {item} as {name}, only {only.replace('|', ' and ')}"
            else:
                yield from _problems(item, shape.members[name], where, members)
    elif shape.type_name == "list":
        for index, item in enumerate(value, 1):
            yield from _problems(item, shape.member, f"{path}.{index}.member", members)
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _problems(key, shape.key, f"{path}.key", members)
            yield from _problems(item, shape.value, f"{path}.{key}", members)
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must "
    size = len(value) if isinstance(value, str | list | dict) else value
    if size > shape.metadata.get("max", size):
        what = "value" if size is value else "length"
        yield f"{failed}have {what} less than or equal to {shape.metadata['max']}"
    if shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"{failed}satisfy enum value set: [{', '.join(shape.enum)}]"
        pattern = shape.metadata.get("pattern", "").replace(JAVA_REST, PYTHON_REST)
        if pattern and not regex.fullmatch(pattern, value):
            yield f"{failed}satisfy regular expression pattern: {pattern}"
