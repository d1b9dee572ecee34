"""The environments as they stand in config/."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from stacks.settings import Settings
from stacks.settings_file import load, load_all

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
FILES = sorted(CONFIG.glob("*.yaml"))
NAMES = {path.stem for path in FILES}
RUN_ID = 36
"""Characters of a Step Functions execution's id, which a job's name ends in."""


def test_every_environment_loads() -> None:
    assert [settings.environment for settings in load_all(CONFIG)] == ["dev", "prod", "staging"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_value_is_what_it_would_be_without_it(path: Path) -> None:
    """So that a file says all that is particular to its environment, and nothing else."""
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings = Settings.model_validate(values)
    redundant = []
    for way in _ways(values):
        without = copy.deepcopy(values)
        around = without
        for key in way[:-1]:
            around = around[key]
        del around[way[-1]]
        try:
            if Settings.model_validate(without) == settings:
                redundant.append(".".join(way))
        except ValidationError:
            pass  # Without it the rest breaks a rule.
    assert redundant == []


def _ways(values: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *way) for way in _ways(value))


@pytest.mark.parametrize("path", sorted((ROOT / "stacks").glob("*.py")), ids=lambda path: path.stem)
def test_no_code_knows_an_environment_by_its_name(path: Path) -> None:
    """What differs between environments is a setting, with a name that says what it does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [
        f"line {node.lineno}: {node.value!r}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in NAMES
    ]


@pytest.mark.parametrize("environment", [*sorted(NAMES), "a23456789"])
def test_a_job_name_with_an_execution_id_in_it_fits_into_sagemakers_63_characters(environment: str) -> None:
    settings = Settings(environment=environment, owner="nlp", cost_centre="nlp")
    for step in ("prepare", "train", "optimise", "evaluate", "transform"):
        assert len(settings.name(step) + "-" + "0" * RUN_ID) <= 63
    assert len(settings.serverless_endpoint_name) <= 63


def test_prod_is_the_one_that_people_rely_on() -> None:
    prod = load(CONFIG / "prod.yaml")
    assert prod.termination_protection
    assert prod.network
    assert prod.training.schedule
    assert prod.serving.realtime and prod.serving.realtime.min_instances >= 2
