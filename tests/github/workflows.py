"""The workflows, read as GitHub reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github").glob("workflows/*.yml"))
ACTIONS = sorted((ROOT / ".github").glob("actions/*/action.yml"))
Yaml = dict[Any, Any]


def load(file: Path) -> Yaml:
    """A workflow or an action. YAML 1.1, as PyYAML has it, reads the key `on` as true."""
    content: Yaml = yaml.safe_load(file.read_text(encoding="utf-8"))
    if True in content:
        content["on"] = content.pop(True)
    return content


WORKFLOWS = {file.stem: load(file) for file in FILES}


def jobs() -> Iterator[tuple[str, Yaml]]:
    """Every job with its name, as in `deploy.plan`."""
    for name, workflow in WORKFLOWS.items():
        for job, content in workflow["jobs"].items():
            yield f"{name}.{job}", content


def steps() -> Iterator[tuple[str, Yaml]]:
    """Every step of every job and action with the name of its job or action."""
    for name, job in jobs():
        yield from ((name, step) for step in job["steps"])
    for file in ACTIONS:
        yield from ((file.parent.name, step) for step in load(file)["runs"]["steps"])


def step(job: str, name: str) -> Yaml:
    """The step of a job by its name."""
    (found,) = (one for where, one in steps() if where == job and one.get("name") == name)
    return found
