"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

# The CDK's own template validator takes seconds a synthesis; the end-to-end test has it on. Its process
# starts, and reads this, when aws_cdk is imported.
os.environ["CDK_VALIDATION"] = "false"
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

import aws_cdk as cdk

import app as application
from stacks.settings import Settings
from stacks.settings_file import load, load_all
from tests.stacks.resolved import Environment, Template, by_name

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def dev() -> Settings:
    """The settings of the dev environment, as they stand in config/."""
    return load(ROOT / "config" / "dev.yaml")


@pytest.fixture(scope="session")
def context() -> dict[str, Any]:
    """The feature flags that the CDK CLI hands to the application."""
    flags = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    assert isinstance(flags, dict)
    return flags


@pytest.fixture(scope="session")
def assembly(context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of every environment, with the report of the rule packs."""
    folder = tmp_path_factory.mktemp("assembly")
    app = application.build(cdk.App(context=context, outdir=str(folder)), load_all(ROOT / "config"))
    # Findings stop the synthesis after it has written all; test_app.py reads the report.
    with suppress(RuntimeError):
        app.synth()
    return folder


@pytest.fixture(scope="session")
def environments(assembly: Path) -> dict[str, Environment]:
    """The synthesised stacks of every environment of config/, by its name."""
    return by_name(assembly, load_all(ROOT / "config"))


@pytest.fixture(scope="session")
def templates(environments: dict[str, Environment]) -> dict[str, Template]:
    """The synthesised templates of the dev environment: storage, training, serving, monitoring."""
    return environments["dev"].templates
