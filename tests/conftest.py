"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

# The CDK's own template validator takes seconds a synthesis; the end-to-end test has it on.
os.environ["CDK_VALIDATION"] = "false"
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

import app as application
from stacks.settings import Settings, load

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
def templates(dev: Settings, context: dict[str, Any]) -> dict[str, Template]:
    """The synthesised templates of the dev environment: storage, training, serving."""
    app = application.build([dev], context=context)
    return {
        name: Template.from_stack(app.node.find_child(dev.name(name)))  # type: ignore[arg-type]
        for name in ("storage", "training", "serving")
    }
