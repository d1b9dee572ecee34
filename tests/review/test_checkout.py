"""A commit becomes a cloud assembly; the repositories here have an application of a few lines."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from review import checkout
from review.checkout import WORKING_TREE, CheckoutError, synthesise

# It writes an assembly without stacks, and what it was run with.
APP = """
import json, os, sys
from pathlib import Path

out = Path(os.environ["CDK_OUTDIR"])
out.mkdir(parents=True)
(out / "manifest.json").write_text('{"artifacts": {}}')
saw = {"environment": dict(os.environ), "python": sys.executable, "says": Path("says").read_text()}
(out / "saw.json").write_text(json.dumps(saw))
"""
FINDS = """
report = {"pluginReports": [{"violations": [
    {"ruleName": "S1", "violatingConstructs": [{"constructPath": "stack/Bucket"}]}
]}]}
(out / "validation-report.json").write_text(json.dumps(report))
sys.exit("Validation failed")
"""


def git(repository: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Tests", "-c", "user.email=tests@example.com", "-c", "init.defaultBranch=main"]
    run = ["git", *who, "-C", str(repository), *arguments]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()


def commit(repository: Path, **files: str) -> str:
    for name, text in files.items():
        (repository / name.replace("_", ".")).write_text(text, encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "A commit")
    return git(repository, "rev-parse", "HEAD")


def saw(assembly: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / "saw.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, app_py=APP, cdk_json=json.dumps({"context": {"flag": "켜짐"}}), says="first")
    return folder


def test_a_commit_is_synthesised_from_its_own_files(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    commit(repository, says="second")
    assert saw(synthesise(first, tmp_path / "out", repository).assembly)["says"] == "first"


def test_the_working_tree_is_synthesised_as_it_lies_there(repository: Path, tmp_path: Path) -> None:
    (repository / "says").write_text("not committed", encoding="utf-8")
    assert saw(synthesise(WORKING_TREE, tmp_path / "out", repository).assembly)["says"] == "not committed"


def test_a_branch_is_named_with_its_commit(repository: Path, tmp_path: Path) -> None:
    short = git(repository, "rev-parse", "HEAD")[:7]
    assert synthesise("main", tmp_path / "out", repository).label == f"main ({short})"


def test_a_commit_is_named_once(repository: Path, tmp_path: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert synthesise(head, tmp_path / "out", repository).label == head[:7]


def test_the_application_sees_no_credentials(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "prod")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    environment = saw(synthesise("main", tmp_path / "out", repository).assembly)["environment"]
    assert {name for name in environment if name.startswith("AWS_")} == {
        "AWS_CONFIG_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_SHARED_CREDENTIALS_FILE",
    }


def test_the_application_gets_the_context_of_its_commit(repository: Path, tmp_path: Path) -> None:
    environment = saw(synthesise("main", tmp_path / "out", repository).assembly)["environment"]
    assert json.loads(environment["CDK_CONTEXT_JSON"]) == {"flag": "켜짐"}


def test_findings_of_a_rule_pack_do_not_stop_the_review(repository: Path, tmp_path: Path) -> None:
    commit(repository, app_py=APP + FINDS)
    assert synthesise("main", tmp_path / "out", repository).assembly.is_dir()


def test_an_application_that_fails_is_quoted_with_its_commit(repository: Path, tmp_path: Path) -> None:
    commit(repository, app_py="raise ValueError('설정이 없다')")
    with pytest.raises(CheckoutError, match=r"main \(\w{7}\) does not synthesise:\n(.*\n)*.*설정이 없다"):
        synthesise("main", tmp_path / "out", repository)


def test_an_assembly_does_not_excuse_another_failure(repository: Path, tmp_path: Path) -> None:
    commit(repository, app_py=APP + "sys.exit('stopped halfway')")
    with pytest.raises(CheckoutError, match="stopped halfway"):
        synthesise("main", tmp_path / "out", repository)


def test_a_commit_without_an_application_is_refused(repository: Path, tmp_path: Path) -> None:
    git(repository, "rm", "--quiet", "app.py")
    commit(repository)
    with pytest.raises(CheckoutError, match=r"has no app\.py: there is nothing to synthesise"):
        synthesise("main", tmp_path / "out", repository)


@pytest.mark.parametrize("ref", ["nowhere", "--help", "", "main:app.py"])
def test_what_is_no_commit_is_refused(repository: Path, tmp_path: Path, ref: str) -> None:
    with pytest.raises(CheckoutError, match="there is no commit"):
        synthesise(ref, tmp_path / "out", repository)


def test_a_branch_that_only_the_remote_has_is_suggested(repository: Path, tmp_path: Path) -> None:
    git(repository, "update-ref", "refs/remotes/origin/release", "HEAD")
    with pytest.raises(CheckoutError, match="did you mean origin/release"):
        synthesise("release", tmp_path / "out", repository)


def test_a_shallow_clone_is_told_how_to_get_the_rest(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    commit(repository, says="second")
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")
    with pytest.raises(CheckoutError, match="git fetch --unshallow"):
        synthesise(first, tmp_path / "out", tmp_path / "shallow")


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckoutError, match="is no git repository"):
        synthesise("main", tmp_path / "out", tmp_path)


def requiring(repository: Path, requirement: str) -> None:
    (repository / "stacks").mkdir()
    (repository / "stacks" / "requirements.txt").write_text(f"# What it needs.\n{requirement}\n", "utf-8")
    commit(repository)


def test_libraries_that_are_installed_are_used(repository: Path, tmp_path: Path) -> None:
    requiring(repository, f"pytest=={pytest.__version__}")
    assert saw(synthesise("main", tmp_path / "out", repository).assembly)["python"] == sys.executable


def test_a_commit_is_synthesised_with_its_own_libraries(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    requiring(repository, str(wheel(tmp_path)))
    side = synthesise("main", tmp_path / "out", repository)
    assert Path(saw(side.assembly)["python"]).is_relative_to(tmp_path / "build")


def test_libraries_that_cannot_be_had_are_noted(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    requiring(repository, "aws-cdk-lib==1.0.0")
    (note,) = synthesise("main", tmp_path / "out", repository).notes
    assert "was synthesised with the libraries that are installed" in note


def wheel(folder: Path) -> Path:
    """A library that pip installs without asking anybody."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return path
