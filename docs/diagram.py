"""Draws a state machine of the synthesised template as a Mermaid flowchart, which GitHub renders.

`python -m docs.diagram retrain` prints it, after `make synth`. The pictures in the documentation
are its output; a test keeps them so.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).resolve().parent.parent / "cdk.out" / "nunchi-dev-training.template.json"

_SHAPES = {"Choice": "{{{{{}}}}}", "Succeed": "([{}])", "Fail": "([{}])"}
# What only looks something up, checks the input, or keeps records, is passed over in the picture.
_PLUMBING = ("Begin", "Check", "Describe", "Did", "Has", "Keep", "Read", "Record", "Refuse")


def definition(template: Mapping[str, Any], machine: str) -> dict[str, Any]:
    """The definition of the machine whose name ends in `-<machine>`, from a CloudFormation template."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if properties.get("StateMachineName", "").endswith(f"-{machine}"):
            found: dict[str, Any] = json.loads(_flat(properties["DefinitionString"]))
            return found
    raise ValueError(f"the template has no state machine {machine}")


def mermaid(definition: dict[str, Any]) -> str:
    """The flowchart: steps, choices, ends, and one dotted way out for what any task may throw."""
    states = definition["States"]
    shown = [name for name in states if not name.startswith(_PLUMBING)]
    lines = [f"    {name}{_SHAPES.get(states[name]['Type'], '[{}]').format(_words(name))}" for name in shown]
    for name in shown:
        lines += [f"    {name} --> {target}" for target in dict.fromkeys(_next(states, name))]
        caught = (catcher["Next"] for catcher in states[name].get("Catch", ()))
        lines += [
            f"    {name} -. fails .-> {target}"
            for target in _shown(states, caught)
            if target not in ("NotifyFailure", states[name]["Next"])
        ]
    return "\n".join(["flowchart LR", *lines, "    Any[any other failure] -.-> NotifyFailure"])


def _next(states: dict[str, Any], name: str) -> Iterator[str]:
    state = states[name]
    targets = [*(rule["Next"] for rule in state.get("Choices", ())), state.get("Default"), state.get("Next")]
    return _shown(states, filter(None, targets))


def _shown(states: dict[str, Any], targets: Iterable[str]) -> Iterator[str]:
    """The states themselves, and for plumbing what comes after it."""
    for target in targets:
        if target.startswith(_PLUMBING):
            yield from _next(states, target)
        else:
            yield target


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(map(_flat, value["Fn::Join"][1]))
    return re.sub(r"[^A-Za-z0-9]+", "-", json.dumps(value))


if __name__ == "__main__":
    print(mermaid(definition(json.loads(TEMPLATE.read_text(encoding="utf-8")), sys.argv[1])))
