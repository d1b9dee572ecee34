"""Which state machines change, and which of their states."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from review.assembly import Assembly, read
from review.model import Json, Kind, Side, WorkflowChange


def workflow_changes(base: Side, head: Side) -> dict[str, tuple[WorkflowChange, ...]]:
    """The state machines whose definition says something else, by environment.

    What only the order of keys, or the digest of the code, tells apart is the same.
    """
    before, after = read(base.assembly), read(head.assembly)
    return {
        environment: tuple(_changes(before, after, environment))
        for environment in sorted({*before.environments, *after.environments})
    }


def _changes(before: Assembly, after: Assembly, environment: str) -> Iterator[WorkflowChange]:
    old, new = (dict(_definitions(assembly, environment)) for assembly in (before, after))
    for stack, name in {**old, **new}:
        was, becomes = old.get((stack, name), {}), new.get((stack, name), {})
        if was != becomes:
            yield WorkflowChange(stack, name, was, becomes, dict(_states(was, becomes)))


def _definitions(assembly: Assembly, environment: str) -> Iterator[tuple[tuple[str, str], Json]]:
    """Stack and name, and definition, of every state machine."""
    for stack in assembly.of(environment).values():
        for logical_id, resource in stack.resources.items():
            if resource["Type"] == "AWS::StepFunctions::StateMachine":
                properties = resource["Properties"]
                name = stack.words(properties.get("StateMachineName", logical_id))
                definition = stack.readable(properties["DefinitionString"])
                yield (stack.name, name.removeprefix(f"nunchi-{environment}-")), definition


def _states(before: Json, after: Json) -> Iterator[tuple[str, Kind]]:
    """The states that differ: what they do, where they lead, or that the workflow starts with them."""
    old, new = before.get("States", {}), after.get("States", {})
    for name in chain(new, (name for name in old if name not in new)):
        if name not in old:
            yield name, "added"
        elif name not in new:
            yield name, "removed"
        elif old[name] != new[name] or (name == after["StartAt"] != before["StartAt"]):
            yield name, "changed"
