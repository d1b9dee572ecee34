"""What CloudFormation would do to each resource, as the CDK's own differ says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review.assembly import Stack
from review.model import Json
from review.policies import is_policy, same

_DIFFER = Path(__file__).with_suffix(".mjs")
_NOTHING: Json = {"Resources": {}}
# Where it was made, not what it is.
_TRACES = ("aws:cdk:path", "aws:asset:path", "aws:asset:property")


@dataclass(frozen=True)
class Difference:
    """What happens to a resource."""

    impact: str
    """As in `WILL_REPLACE`: `ResourceImpact` of @aws-cdk/cloudformation-diff."""
    properties: Mapping[str, str]
    """The properties that differ, each with what it does to the resource."""
    others: Sequence[str]
    """The other attributes that differ, as in `DeletionPolicy`."""


def differences(pairs: Sequence[tuple[Stack | None, Stack | None]]) -> list[dict[str, Difference]]:
    """For each stack before and after, None where there is none, what happens to its resources.

    Raises:
        RuntimeError: node could not compare them.
    """
    templates = [_templates(*pair) for pair in pairs]
    # What is the same on both sides need not be compared.
    given = [(_NOTHING, _NOTHING) if old == new else (old, new) for old, new in templates]
    finished = subprocess.run(
        ["node", str(_DIFFER)],
        input=json.dumps(given, ensure_ascii=False),
        capture_output=True,
        encoding="utf-8",
    )
    if finished.returncode:
        raise RuntimeError(
            "the templates were not compared; `npm ci` installs what compares them:\n"
            + finished.stderr.strip()
        )
    return [{name: Difference(**one) for name, one in each.items()} for each in json.loads(finished.stdout)]


def _templates(before: Stack | None, after: Stack | None) -> tuple[Json, Json]:
    """Both, without what differs and means nothing."""
    if before and after and before.resources == after.resources:
        return _NOTHING, _NOTHING
    old, new = (_meant(stack) if stack else _NOTHING for stack in (before, after))
    if before and after:
        for name in old["Resources"].keys() & new["Resources"].keys():
            was, now = old["Resources"][name], new["Resources"][name]
            _let_agree(was.get("Properties", {}), now.get("Properties", {}), before, after)
    return old, new


def _meant(stack: Stack) -> Json:
    resources = {}
    for name, resource in stack.resources.items():
        if resource["Type"] != "AWS::CDK::Metadata":
            metadata = {
                key: value for key, value in resource.get("Metadata", {}).items() if key not in _TRACES
            }
            kept = {key: value for key, value in resource.items() if key != "Metadata"}
            properties = {
                key: _without_order(_document(stack, value))
                for key, value in kept.get("Properties", {}).items()
            }
            resources[name] = kept | {"Properties": properties} | ({"Metadata": metadata} if metadata else {})
    return {"Resources": resources}


def _document(stack: Stack, value: Any) -> Any:
    """JSON in a text as what it holds: there the order of the keys means nothing."""
    is_text = isinstance(value, str) or (isinstance(value, dict) and "Fn::Join" in value)
    holds = stack.readable(value) if is_text else None
    return holds if isinstance(holds, (dict, list)) else value


def _without_order(value: Any) -> Any:
    """Tags in one order: versions of the CDK differ in it."""
    if isinstance(value, dict):
        return {key: _without_order(item) for key, item in value.items()}
    if isinstance(value, list):
        if all(isinstance(item, dict) and item.keys() == {"Key", "Value"} for item in value):
            return sorted(value, key=lambda tag: str(tag["Key"]))
        return [_without_order(item) for item in value]
    return value


def _let_agree(old: Json, new: Json, before: Stack, after: Stack) -> None:
    """Make the policies alike that say the same in another order."""
    for name in old.keys() & new.keys():
        documents = before.readable(old[name]), after.readable(new[name])
        if old[name] != new[name] and all(map(is_policy, documents)) and same(*documents):
            new[name] = old[name]
