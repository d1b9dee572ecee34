"""What the templates of an environment ask for, as far as it costs money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from review.assembly import Stack
from review.model import CostLine, Json
from review.prices import Table

Lines = Iterator[CostLine | str]
"""What costs money; as a text, what has no price."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The stacks of an environment, and the prices that hold for them."""

    stacks: tuple[Stack, ...]
    table: Table

    def of_type(self, kind: str) -> list[Json]:
        """The properties of the resources of that type."""
        return [resource["Properties"] for _, resource in self._resources() if resource["Type"] == kind]

    @property
    def types(self) -> set[str]:
        """The types of all resources."""
        return {resource["Type"] for _, resource in self._resources()}

    @cached_property
    def states(self) -> dict[str, Json]:
        """State machine, as in `retrain` → its states."""
        return {
            resource["Properties"]["StateMachineName"].rpartition("-")[2]: stack.readable(
                resource["Properties"]["DefinitionString"]
            )["States"]
            for stack, resource in self._resources()
            if resource["Type"] == "AWS::StepFunctions::StateMachine"
        }

    def jobs(self, machine: str, *kinds: str) -> Iterator[tuple[str, Json]]:
        """The states of a machine that run jobs of those kinds, as in `Training`, and their requests."""
        endings = tuple(f":create{kind}Job.sync" for kind in kinds)
        for name, state in self.states.get(machine, {}).items():
            if state.get("Resource", "").endswith(endings):
                yield name, state["Arguments"]

    @property
    def variants(self) -> Iterator[Json]:
        """What the endpoints run on."""
        for config in self.of_type("AWS::SageMaker::EndpointConfig"):
            yield from config["ProductionVariants"]

    def _resources(self) -> Iterator[tuple[Stack, Json]]:
        for stack in self.stacks:
            for resource in stack.resources.values():
                yield stack, {"Properties": {}, **resource}
