"""The templates of all environments as they were reviewed last: every change of one shows as a diff.

After a change that is meant, write them anew and review the difference as you would the code's:

    .venv/bin/python -m pytest tests/stacks/test_snapshots.py --snapshot-update
    git diff tests/stacks/__snapshots__

The training code's digest is left out: a change of the code changes no template but for it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.resolved import Environment

STACKS = [
    f"{environment}-{part}"
    for environment, parts in {
        "dev": ("storage", "training", "serving", "monitoring"),
        "staging": ("storage", "training", "serving", "monitoring"),
        "prod": ("storage", "network", "training", "serving", "monitoring"),
    }.items()
    for part in parts
]


def readable(value: Any) -> Any:
    """`value` with state machines and dashboards, long strings to CloudFormation, as what they are."""
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"\b[0-9a-f]{64}\b", "<digest of the training code>", value)
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        if isinstance(parts, list) and parts and str(parts[0]).startswith('{"'):
            text = separator.join(part if isinstance(part, str) else embedded(part) for part in parts)
            return readable(json.loads(text))
    return {key: readable(item) for key, item in value.items()}


def embedded(intrinsic: Any) -> str:
    """An intrinsic function within a string of a JSON document."""
    return json.dumps("${" + json.dumps(intrinsic) + "}")[1:-1]


@pytest.mark.parametrize("stack", STACKS)
def test_the_template_is_what_was_reviewed(
    environments: dict[str, Environment], snapshot: SnapshotAssertion, stack: str
) -> None:
    environment, _, part = stack.partition("-")
    body = environments[environment].templates[part].body
    assert readable(body) == snapshot(extension_class=JSONSnapshotExtension)


def test_every_stack_has_its_snapshot(environments: dict[str, Environment]) -> None:
    """A stack that is not compared changes unseen."""
    names = [f"{name}-{part}" for name, environment in environments.items() for part in environment.templates]
    assert sorted(STACKS) == sorted(names)
