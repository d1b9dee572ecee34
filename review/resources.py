"""What happens to each resource, and to each stack as a whole.

A stack as a whole is the resource `Stack` of the type `AWS::CloudFormation::Stack`: its protection, its
place, and what its template has besides resources.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from review.assembly import Stack, read
from review.compared import leaves
from review.differ import Difference, differences
from review.model import Json, Kind, PropertyChange, ResourceChange, Side

STACK = "AWS::CloudFormation::Stack"

_KINDS: dict[str, Kind] = {
    "WILL_CREATE": "added",
    "WILL_DESTROY": "removed",
    "WILL_ORPHAN": "removed",
    "WILL_REPLACE": "replaced",
    "MAY_REPLACE": "perhaps replaced",
}
# The CDK's own, the same in every stack.
_BOOTSTRAP = ("BootstrapVersion", "CheckBootstrapVersion")


def resource_changes(base: Side, head: Side) -> dict[str, tuple[ResourceChange, ...]]:
    """By environment, in the order of the stacks; of a resource that only its digest tells apart, nothing."""
    before, after = ({stack.name: stack for stack in read(side.assembly).stacks} for side in (base, head))
    pairs = [(before.get(name), after.get(name)) for name in {**before, **after}]
    found: dict[str, list[ResourceChange]] = {}
    for (old, new), changes in zip(pairs, differences(pairs), strict=True):
        if stack := new or old:
            of = found.setdefault(stack.environment, [])
            of += _of_stack(old, new)
            of += _of_resources(old, new, changes)
    return {environment: tuple(of) for environment, of in sorted(found.items())}


def _of_stack(old: Stack | None, new: Stack | None) -> Iterator[ResourceChange]:
    kind: Kind = "changed" if old and new else "added" if new else "removed"
    properties = tuple(
        PropertyChange(*leaf) for leaf in (leaves(attributes(old), attributes(new)) if old and new else ())
    )
    stack = new or old
    if stack and (properties or kind != "changed"):
        yield ResourceChange(stack.environment, stack.name, "", "Stack", STACK, kind, properties)


def attributes(stack: Stack | None) -> Json:
    """What a stack has besides its resources."""
    if stack is None:
        return {}
    parts = {
        part: {name: stack.readable(value) for name, value in content.items() if name not in _BOOTSTRAP}
        for part, content in stack.template.items()
        if part != "Resources" and isinstance(content, dict)
    }
    return {
        "Description": stack.template.get("Description"),
        "TerminationProtection": stack.protected,
        "Place": stack.place,
        **parts,
    }


def _of_resources(
    old: Stack | None, new: Stack | None, changes: dict[str, Difference]
) -> Iterator[ResourceChange]:
    before, after = (stack.resources if stack else {} for stack in (old, new))
    replaced = {name for name, one in changes.items() if one.impact == "WILL_REPLACE"}
    for name in {**before, **after}:
        one = changes.get(name)
        properties = list(_properties(old, new, name, one)) if one else []
        told = {change.path.partition(".")[0] for change in properties}
        if old and new and name in before and name in after:
            properties += [
                PropertyChange(key, words, f"{words} (replaced)", _replaces(one, key))
                for key, words in _references(new, after[name], replaced - {name})
                if key not in told
            ]
        stack = new if name in after else old
        if stack and (one or properties):
            kind = _KINDS.get(one.impact, "changed") if one else "changed"
            kind_of, path = (after.get(name) or before[name])["Type"], stack.path(name)
            yield ResourceChange(stack.environment, stack.name, name, path, kind_of, kind, tuple(properties))


def _properties(
    old: Stack | None, new: Stack | None, name: str, change: Difference
) -> Iterator[PropertyChange]:
    if old is None or new is None or name not in old.resources or name not in new.resources:
        if change.impact == "WILL_ORPHAN" and old:
            # It stays, and nothing manages it any more.
            yield PropertyChange("DeletionPolicy", old.resources[name]["DeletionPolicy"], None)
        return
    was, now = old.resources[name], new.resources[name]
    for key in change.properties:
        given = was.get("Properties", {}).get(key), now.get("Properties", {}).get(key)
        yield from _leaves(old, new, key, *given, _replaces(change, key))
    for key in change.others:
        yield from _leaves(old, new, key, was.get(key), now.get(key), False)


def _replaces(change: Difference | None, key: str) -> bool:
    return change is not None and change.properties.get(key) in ("WILL_REPLACE", "MAY_REPLACE")


def _leaves(old: Stack, new: Stack, key: str, was: Any, now: Any, replaces: bool) -> Iterator[PropertyChange]:
    found = list(leaves(old.readable(was), new.readable(now), key))
    if not found and was != now:
        # The words are the same: what they stand for is not.
        found = [(key, was, now)]
    for path, before, after in found:
        if not path.startswith("Metadata.aws:"):
            yield PropertyChange(path, before, after, replaces)


def _references(stack: Stack, resource: Json, replaced: set[str]) -> Iterator[tuple[str, str]]:
    """The properties that name a resource that is replaced, and their words for it."""
    for key, value in resource.get("Properties", {}).items():
        for reference in _intrinsics(value):
            named = reference.get("Ref") or reference["Fn::GetAtt"][0]
            if named in replaced:
                yield key, stack.words(reference)
                break


def _intrinsics(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if value.keys() <= {"Ref", "Fn::GetAtt"} and value:
            yield value
        for item in value.values():
            yield from _intrinsics(item)
    elif isinstance(value, list):
        for item in value:
            yield from _intrinsics(item)
