"""A resource before and after, as the hazards look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from review.assembly import Stack
from review.compared import Pair, pairs
from review.model import Json, ResourceChange
from review.resources import STACK

# Type → the property with the name that people know it by.
_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}


@dataclass(frozen=True)
class Case:
    """What happens to a resource, and in which stacks."""

    change: ResourceChange
    base: Stack | None
    """The resource's stack before; None where there was none."""
    head: Stack | None

    @property
    def type(self) -> str:
        """As in `AWS::S3::Bucket`."""
        return self.change.type

    @property
    def goes(self) -> bool:
        """Whether it is there no longer, or another one is in its place."""
        return self.change.kind in ("removed", "replaced", "perhaps replaced")

    @cached_property
    def was(self) -> Json:
        """The resource in the template before, in words."""
        return self._resource(self.base)

    @cached_property
    def now(self) -> Json:
        """The resource in the template after, in words."""
        return self._resource(self.head)

    @property
    def before(self) -> Json:
        """Its properties before."""
        properties: Json = self.was.get("Properties", {})
        return properties

    @property
    def after(self) -> Json:
        """Its properties after."""
        properties: Json = self.now.get("Properties", {})
        return properties

    @cached_property
    def pairs(self) -> list[Pair]:
        """What differs in its properties, from the outermost inwards, where there is something to compare."""
        return list(pairs(self.before, self.after)) if self.was and self.now else []

    @property
    def what(self) -> str:
        """The resource in words, as in `the endpoint nunchi-prod`."""
        if self.type == STACK:
            return f"the stack {self.change.stack}"
        kind = self.type.rpartition(":")[2]
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", kind).split()
        name = (self.was or self.now).get("Properties", {}).get(_NAMES.get(self.type, ""))
        said = " ".join(word if word.isupper() else word.lower() for word in words)
        return f"the {said} {name if isinstance(name, str) else self.change.path}"

    def _resource(self, stack: Stack | None) -> Json:
        resource: Any = stack and stack.resources.get(self.change.logical_id)
        return dict(stack.readable(resource)) if stack and resource else {}


def place(path: str) -> str:
    """The path of a property for people, who do not care that a workflow is a property."""
    return path.removeprefix("DefinitionString.States.")


def inside(value: Any, key: str) -> Iterator[Any]:
    """Every value that stands under `key`, however deep."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key:
                yield item
            yield from inside(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from inside(item, key)
