"""Draws a state machine of the synthesised template as a Mermaid flowchart, which GitHub renders.

`python -m docs.diagram retrain` prints it, after `make synth`. The pictures in the READMEs are its output; a
test keeps them so. `docs/architecture.py` draws the same steps and arrows as SVG.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).resolve().parent.parent / "cdk.out" / "nunchi-dev-training.template.json"

ANY_OTHER_FAILURE = "any other failure"
STOPS = "stops here, and can be redriven"
"""Where a failure leads that no state catches."""

_SHAPES = {"Choice": "{{{{{}}}}}", "Succeed": "([{}])", "Fail": "([{}])"}
# What only looks something up, checks the input, or keeps records, is passed over in the picture.
_PLUMBING = (
    *("AskFor", "Begin", "Check", "Create", "Describe", "Did", "Fingerprint", "Has", "Keep", "Read"),
    *("Record", "Refuse", "Release"),
)


def definition(template: Mapping[str, Any], machine: str) -> dict[str, Any]:
    """The definition of the machine whose name ends in `-<machine>`, from a CloudFormation template."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if properties.get("StateMachineName", "").endswith(f"-{machine}"):
            found: dict[str, Any] = json.loads(_flat(properties["DefinitionString"]))
            return found
    raise ValueError(f"the template has no state machine {machine}")


def mermaid(definition: dict[str, Any]) -> str:
    """The flowchart: steps, choices, ends, and one dotted way out for what no state catches."""
    lines = [
        f"    {name}{_SHAPES.get(kind, '[{}]').format(words(name))}"
        for name, kind in reached(definition).items()
    ]
    for source, target, fails in arrows(definition):
        lines.append(f"    {source} {'-. fails .->' if fails else '-->'} {target}")
    return "\n".join(["flowchart LR", *lines, f"    Any[{ANY_OTHER_FAILURE}] -.-> Stops([{STOPS}])"])


def steps(definition: dict[str, Any]) -> dict[str, str]:
    """The states that a picture shows, and their types."""
    states = definition["States"].items()
    return {name: state["Type"] for name, state in states if not name.startswith(_PLUMBING)}


def reached(definition: dict[str, Any]) -> dict[str, str]:
    """The steps that an arrow leads to or from: not those that plumbing alone leads to."""
    ends = {name for source, target, _ in arrows(definition) for name in (source, target)}
    return {name: kind for name, kind in steps(definition).items() if name in ends}


def arrows(definition: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """From which step to which, and whether only a failure leads there."""
    states = definition["States"]
    for name in steps(definition):
        yield from ((name, target, False) for target in dict.fromkeys(_next(states, name)))
        caught = (catcher["Next"] for catcher in states[name].get("Catch", ()))
        for target in _shown(states, caught):
            if target != states[name]["Next"]:
                yield name, target, True


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


def words(name: str) -> str:
    """`CheckInput` → `Check Input`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(map(_flat, value["Fn::Join"][1]))
    return re.sub(r"[^A-Za-z0-9]+", "-", json.dumps(value))


if __name__ == "__main__":
    print(mermaid(definition(json.loads(TEMPLATE.read_text(encoding="utf-8")), sys.argv[1])))
