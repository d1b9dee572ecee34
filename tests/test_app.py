"""The application as a whole: its rule packs, and that it is a pure function of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
import yaml
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

import app as application
from tests.stacks.resolved import Environment, findings

ROOT = Path(__file__).resolve().parent.parent
# All that the synthesis reads.
READ = ("app.py", "cdk.json", "config", "stacks", "training_code", "inference_code")


def test_every_environment_passes_every_rule_pack(assembly: Path) -> None:
    assert findings(assembly) == []


@pytest.fixture(scope="module")
def broken(context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is found in an application with a bucket without protection and an inline policy."""
    folder = tmp_path_factory.mktemp("broken")
    app = application.build(cdk.App(context=context, outdir=str(folder)), [])
    stack = cdk.Stack(app, "bad")
    s3.CfnBucket(stack, "Open")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.CfnUser(stack, "User", policies=[{"policyName": "all", "policyDocument": policy}])
    with pytest.raises(RuntimeError):
        app.synth()
    return findings(folder)


@pytest.mark.parametrize(
    "rule",
    [
        "AwsSolutions-S1",
        "NIST.800.53.R5-S3BucketLoggingEnabled",
        "PCI.DSS.321-S3BucketLoggingEnabled",
        "HIPAA.Security-S3BucketLoggingEnabled",
    ],
)
def test_a_bucket_without_protection_fails_every_pack(broken: list[str], rule: str) -> None:
    """A pack that is not there, or looks at nothing, finds nothing either."""
    assert any(one.startswith(f"bad/Open: {rule}") for one in broken)


@pytest.mark.parametrize(
    "rule",
    [
        "AwsSolutions-IAM5[Resource::*]",
        "NIST.800.53.R5-IAMNoInlinePolicy",
        "PCI.DSS.321-IAMNoInlinePolicy",
        "HIPAA.Security-IAMNoInlinePolicy",
    ],
)
def test_an_inline_policy_fails_every_pack(broken: list[str], rule: str) -> None:
    assert any(one.startswith(f"bad/User: {rule}") for one in broken)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def clone(folder: Path, mask: int) -> Path:
    """A copy of what the synthesis reads, with the modes that git gives files under that umask."""
    with umask(mask):
        folder.mkdir(parents=True)
        for name in READ:
            for path in sorted((ROOT / name).rglob("*")) if (ROOT / name).is_dir() else [ROOT / name]:
                if path.is_file() and "__pycache__" not in path.parts:
                    target = folder / path.relative_to(ROOT)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(path.read_bytes())
    return folder


def start(
    folder: Path, context: dict[str, Any], *, mask: int = 0o022, validation: bool = False
) -> subprocess.Popen[str]:
    """Begin the synthesis of a clone to its cdk.out, with the CDK's own validator or without."""
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=folder,
        env={
            **os.environ,
            "CDK_OUTDIR": str(folder / "cdk.out"),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_VALIDATION": str(validation).lower(),
        },
        umask=mask,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its status and what it said."""
    _, said = process.communicate()
    return process.returncode, said


def written(folder: Path) -> dict[str, bytes]:
    """Every file of a clone's assembly, by its path there."""
    out = folder / "cdk.out"
    return {
        str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def clones(context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The assemblies of two clones, and of a third one with a comment in training_code/train.py."""
    base = tmp_path_factory.mktemp("clones")
    folders = {
        "one": (clone(base / "one", 0o022), 0o022),
        "other": (clone(base / "two with a space" / "deeper", 0o077), 0o077),
        "commented": (clone(base / "commented", 0o022), 0o022),
    }
    with (folders["commented"][0] / "training_code" / "train.py").open("a", encoding="utf-8") as file:
        file.write("# Why.\n")
    processes = [start(folder, context, mask=mask) for folder, mask in folders.values()]
    assert [outcome(process) for process in processes] == [(0, "")] * 3
    return {name: written(folder) for name, (folder, _) in folders.items()}


def test_two_clones_in_different_paths_under_different_umasks_give_byte_identical_assemblies(
    clones: dict[str, dict[str, bytes]],
) -> None:
    """Otherwise every review shows changes that nobody made, and the real one is among them."""
    one, other = clones["one"], clones["other"]
    assert [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)] == []


def test_an_assembly_holds_every_stack(clones: dict[str, dict[str, bytes]]) -> None:
    stacks = {
        name.removesuffix(".template.json") for name in clones["one"] if name.endswith(".template.json")
    }
    assert {f"nunchi-{name}-storage" for name in ("dev", "staging", "prod")} < stacks
    assert len(stacks) == 13


DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")


def digests(template: bytes) -> list[bytes]:
    return DIGEST.findall(template)


def test_a_comment_in_the_training_code_changes_the_code_assets_hash_and_nothing_else(
    clones: dict[str, dict[str, bytes]],
) -> None:
    """What else would change with it, a person on review could not tell from a real change."""
    before, after = clones["one"], clones["commented"]
    templates = [name for name in before if name.endswith(".template.json")]
    changed = {name for name in templates if before[name] != after[name]}
    assert changed == {f"nunchi-{name}-training.template.json" for name in ("dev", "staging", "prod")}
    for name in changed:
        assert DIGEST.sub(b"", before[name]) == DIGEST.sub(b"", after[name])
        assert len(set(digests(before[name]))) == len(set(digests(after[name]))) == 1


def test_the_code_that_is_uploaded_is_the_code_that_the_jobs_name(
    clones: dict[str, dict[str, bytes]],
) -> None:
    for name, body in clones["one"].items():
        if name.endswith("-training.template.json"):
            (digest,) = set(digests(body))
            assets = json.loads(clones["one"][name.replace("template", "assets")])["files"]
            assert f"asset.{digest.decode()}.tar.gz" in clones["one"]
            (destination,) = assets[digest.decode()]["destinations"].values()
            assert destination["objectKey"] == f"{digest.decode()}.gz"


def test_one_environment_can_be_synthesised_alone(
    tmp_path: Path, context: dict[str, Any], environments: dict[str, Environment]
) -> None:
    """A mistake in dev's settings must not stop a deployment of prod."""
    folder = clone(tmp_path / "clone", 0o022)
    (folder / "config" / "dev.yaml").write_text("environment: [\n", encoding="utf-8")
    assert outcome(start(folder, {**context, "env": "prod"})) == (0, "")
    stacks = [name for name in written(folder) if name.endswith(".template.json")]
    parts = environments["prod"].templates
    assert stacks == [f"nunchi-prod-{part}.template.json" for part in parts]


def test_an_environment_that_begins_with_a_model_of_the_hub_passes_the_cdks_own_validator(
    context: dict[str, Any], tmp_path: Path
) -> None:
    """It is on by default: `cdk deploy` would stop on what the tests, where it is off, never see."""
    folder = clone(tmp_path / "clone", 0o022)
    settings = {
        "environment": "hub",
        "owner": "tests",
        "cost_centre": "tests",
        "serving": {"hub": {"model_id": "team/model", "revision": "0" * 40}, "serverless": {}},
    }
    (folder / "config" / "hub.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert outcome(start(folder, {**context, "env": "hub"}, validation=True)) == (0, "")


def test_an_environment_that_is_not_there_is_one_clear_message(
    context: dict[str, Any], tmp_path: Path
) -> None:
    status, said = outcome(start(clone(tmp_path / "clone", 0o022), {**context, "env": "prd"}))
    assert status == 1
    assert len(said.splitlines()) == 1
    assert "-c env=prd" in said
    assert "did you mean prod? allowed: dev, prod, staging" in said


def test_wrong_settings_end_the_synthesis_with_one_clear_message(
    context: dict[str, Any], tmp_path: Path
) -> None:
    folder = clone(tmp_path / "clone", 0o022)
    shutil.rmtree(folder / "config")
    (folder / "config").mkdir()
    wrong = "environment: dev\nowner: tests\ncost_centre: tests\nregoin: ap-northeast-2\n"
    (folder / "config" / "dev.yaml").write_text(wrong, encoding="utf-8")
    status, said = outcome(start(folder, context))
    assert status == 1
    assert said.strip().endswith("config/dev.yaml: regoin: is not a setting; did you mean region?")
    assert len(said.splitlines()) == 1
