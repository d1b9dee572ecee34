"""The application as a whole: its rule packs, and that it is a pure function of the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

import app as application
from stacks.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def test_the_application_passes_the_aws_solutions_pack(dev: Settings, context: dict[str, Any]) -> None:
    assert application.build([dev], context=context).synth().stacks


def test_a_bucket_without_protection_fails_the_aws_solutions_pack(
    dev: Settings, context: dict[str, Any]
) -> None:
    app = application.build([dev], context=context)
    s3.CfnBucket(cdk.Stack(app, "bad"), "Open")
    with pytest.raises(RuntimeError):
        app.synth()
    report = Path(app.outdir, "validation-report.json").read_text(encoding="utf-8")
    assert "AwsSolutions-S1" in report
    assert "AwsSolutions-S10" in report


def synthesise(folder: Path, context: dict[str, Any]) -> dict[str, bytes]:
    """Copy what a clone holds to `folder`, synthesise there, and return every template's bytes."""
    shutil.copytree(
        ROOT,
        folder,
        ignore=shutil.ignore_patterns(
            ".git", ".venv", "node_modules", "build", "cdk.out", ".local", "*_cache"
        ),
    )
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=folder,
        env={
            **os.environ,
            "CDK_OUTDIR": str(folder / "cdk.out"),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_VALIDATION": "false",
        },
        check=True,
        capture_output=True,
    )
    return {path.name: path.read_bytes() for path in sorted((folder / "cdk.out").glob("*.json"))}


def test_two_clones_in_different_paths_give_byte_identical_templates(
    tmp_path: Path, context: dict[str, Any]
) -> None:
    first = synthesise(tmp_path / "one", context)
    second = synthesise(tmp_path / "two with a space" / "deeper", context)
    assert {name for name in first if name.endswith(".template.json")} == {
        f"nunchi-dev-{stack}.template.json" for stack in ("storage", "training", "serving")
    }
    assert first == second


def test_wrong_settings_end_the_synthesis_with_one_clear_message(tmp_path: Path) -> None:
    for name in ("stacks", "training_code", "inference_code"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "app.py", tmp_path)
    (tmp_path / "config").mkdir()
    wrong = "environment: dev\nregoin: ap-northeast-2\n"
    (tmp_path / "config" / "dev.yaml").write_text(wrong, encoding="utf-8")
    result = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.strip().endswith("config/dev.yaml: regoin: is not a setting; did you mean region?")
    assert "Traceback" not in result.stderr
