"""What the bot that raises versions may raise, and that what must agree does."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.github.workflows import ROOT, load

LOCKS = [ROOT, *sorted(path.parent for path in ROOT.glob("*/requirements.in"))]
RULES: list[dict[str, Any]] = json.loads((ROOT / ".github" / "renovate.json").read_text(encoding="utf-8"))[
    "packageRules"
]


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: Path) -> dict[str, str]:
    """Package → version, with those of the lists that the list takes in."""
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if taken := re.match(r"-r (\S+)", line):
            found |= pins(file.parent / taken[1])
        elif pin := re.match(r"([\w.-]+)==(\S+)", line):
            found[normalised(pin[1])] = pin[2]
    return found


def about(package: str) -> dict[str, Any]:
    """What the bot's rules about a package by its name say, the later over the earlier."""
    merged: dict[str, Any] = {}
    for rule in RULES:
        if package in rule.get("matchPackageNames", []):
            merged |= rule
    return merged


def npm_version(package: str) -> tuple[str, str]:
    """As package.json and its lock have it."""
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"][package]
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    return wanted, lock["packages"][f"node_modules/{package}"]["version"]


def test_the_cdk_cli_is_pinned_to_a_version_2_that_is_locked() -> None:
    wanted, locked = npm_version("aws-cdk")
    assert wanted == locked
    assert re.fullmatch(r"2\.\d+\.\d+", wanted)


def test_the_bot_never_raises_the_cdk_cli_to_the_old_build_3_0_0() -> None:
    assert about("aws-cdk")["allowedVersions"] == "<3"


def test_the_bot_raises_the_cdk_cli_with_the_library() -> None:
    assert about("aws-cdk")["groupName"] == about("aws-cdk-lib")["groupName"]


def test_the_cdk_cli_reads_what_the_library_writes(assembly: Path) -> None:
    finished = subprocess.run(
        ["node_modules/.bin/cdk", "ls", "--app", str(assembly)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert "nunchi-prod-storage" in finished.stdout.split(), finished.stderr


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_what_the_images_run_with_is_not_the_bots_to_raise(package: str) -> None:
    assert about(package)["enabled"] is False


def test_the_docs_name_the_pytorch_that_is_pinned() -> None:
    version = pins(ROOT / "requirements.txt")["torch"]
    assert f"({version.rpartition('.')[0]} here" in (ROOT / "docs" / "local-aws.md").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("folder", LOCKS, ids=lambda folder: folder.name)
def test_the_lock_was_made_from_the_list(folder: Path) -> None:
    locked = pins(folder / "requirements.txt")
    stale = {
        name: version
        for name, version in pins(folder / "requirements.in").items()
        if locked.get(name) != version
    }
    assert stale == {}


def test_the_bot_leaves_every_lock_to_make() -> None:
    (rule,) = (rule for rule in RULES if "**/requirements.txt" in rule.get("matchFileNames", []))
    assert rule["enabled"] is False
    assert rule["matchFileNames"] == ["**/requirements.txt", "!stacks/requirements.txt"]


@pytest.mark.parametrize("job", ["evaluate", "mlflow"])
def test_a_job_installs_what_its_tests_ran_with(job: str) -> None:
    installed = pins(ROOT / "training_code" / f"{job}-requirements.txt")
    assert installed.items() <= pins(ROOT / "requirements.txt").items()


def test_the_npm_lock_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def test_the_action_installs_all_that_review_and_delivery_import() -> None:
    steps = load(ROOT / ".github" / "actions" / "cdk" / "action.yml")["runs"]["steps"]
    (script,) = (one["run"] for one in steps if "run" in one)
    (named,) = re.findall(r"--requirement stacks/requirements.txt (.*) --constraint", script)
    installed = {normalised(name) for name in named.split()} | pins(
        ROOT / "stacks" / "requirements.txt"
    ).keys()
    # Imported under another name than the package's, or brought along by one of the packages.
    installed |= {"yaml", "aws-cdk", "cdk-nag", "markupsafe"}
    ours = {path.name for path in ROOT.iterdir()} | {path.stem for path in ROOT.glob("*.py")}
    imported = {
        name.partition(".")[0]
        for folder in ("review", "delivery", "stacks")
        for file in ROOT.joinpath(folder).rglob("*.py")
        for name in imports(file)
    }
    outside = {normalised(name) for name in imported - sys.stdlib_module_names - ours}
    assert outside - installed == set()


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
