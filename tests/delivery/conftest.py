"""Asking a GitHub that the tests make up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.delivery import fake_gh

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a module of delivery/ where `gh` answers what `answers` says, by words in its arguments."""
    folder = fake_gh.install(tmp_path)

    def run(module: str, *arguments: str, answers: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", f"delivery.{module}", *arguments],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            encoding="utf-8",
        )

    return run
