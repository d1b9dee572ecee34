"""Synthesises a commit: its files, by its own application, with the libraries that it asks for."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from review.assembly import read
from review.model import Side

ROOT = Path(__file__).resolve().parent.parent
WORKING_TREE = "."
"""In place of a commit: the files as they lie there, committed or not."""

_LAST_LINES = 15


class CheckoutError(Exception):
    """A commit that cannot be reviewed; the message says why, and how to mend it."""


def synthesise(ref: str, folder: Path, repository: Path = ROOT) -> Side:
    """The commit `ref` of `repository`, synthesised below `folder`, which is empty or not there.

    Raises:
        CheckoutError: there is no such commit, or its application does not synthesise.
    """
    label, source = _files(ref, folder / "source", repository)
    return synthesise_files(label, source, folder / "assembly")


def synthesise_files(label: str, source: Path, assembly: Path) -> Side:
    """The files in `source`, synthesised into `assembly`, which is empty or not there.

    Raises:
        CheckoutError: their application does not synthesise.
    """
    python, notes = _python(source, label)
    return Side(label, source, _assembly(source, assembly, python, label), notes)


def _files(ref: str, folder: Path, repository: Path) -> tuple[str, Path]:
    """The label for people, and where the files are."""
    if _git(repository, "rev-parse", "--git-dir") is None:
        raise CheckoutError(f"{repository} is no git repository: a review compares commits of one")
    if ref == WORKING_TREE:
        return "the working tree", repository
    commit = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if commit is None:
        raise CheckoutError(_why_missing(ref, repository))
    archive = subprocess.run(
        ["git", "-C", str(repository), "archive", "--format=tar", commit], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    short = commit[:7]
    return short if commit.startswith(ref) else f"{ref} ({short})", folder


def _why_missing(ref: str, repository: Path) -> str:
    missing = f"there is no commit {ref!r} in {repository}"
    if _git(repository, "rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{ref}"):
        return f"{missing}; did you mean origin/{ref}?"
    if _git(repository, "rev-parse", "--is-shallow-repository") == "true":
        return (
            f"{missing}, which is a shallow clone: `git fetch --unshallow origin` brings the rest"
            " (on GitHub Actions: `fetch-depth: 0` of actions/checkout)"
        )
    return f"{missing}; `git fetch` brings what others pushed, `git branch --all` lists the branches"


def _git(repository: Path, *arguments: str) -> str | None:
    """What git says, None when it fails."""
    said = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True)
    return said.stdout.strip() if said.returncode == 0 else None


def _python(source: Path, label: str) -> tuple[Path, tuple[str, ...]]:
    """A Python with the libraries that the files ask for, or this one and a note that it has others."""
    present = Path(sys.executable)
    requirements = source / "stacks" / "requirements.txt"
    if not requirements.exists() or all(map(_is_installed, requirements.read_text("utf-8").splitlines())):
        return present, ()
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    environment = ROOT / "build" / "review" / "libraries" / digest
    if not (environment / "made").exists():
        print(f"Installing what {label} is synthesised with, once", file=sys.stderr)
        shutil.rmtree(environment, ignore_errors=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
        for command in (
            [str(present), "-m", "venv", str(environment)],
            [*pip, "--quiet", "--retries", "1", "--requirement", str(requirements)],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
                note = (
                    f"{label} was synthesised with the libraries that are installed, not with those of its"
                    f" stacks/requirements.txt, which could not be had: {why}"
                )
                return present, (note,)
        (environment / "made").touch()
    return environment / "bin" / "python", ()


def _is_installed(line: str) -> bool:
    requirement = line.partition("#")[0].strip()
    name, _, version = requirement.partition("==")
    try:
        return not requirement or importlib.metadata.version(name) == version
    except importlib.metadata.PackageNotFoundError:
        return False


def _assembly(source: Path, folder: Path, python: Path, label: str) -> Path:
    """Run the application as the CDK CLI does, but without anything of the user's that it could ask AWS with.

    A synthesis that a rule pack fails is complete: its findings are for the review to tell.
    """
    for file in ("app.py", "cdk.json"):
        if not (source / file).exists():
            raise CheckoutError(f"{label} has no {file}: there is nothing to synthesise")
    context = json.loads((source / "cdk.json").read_text(encoding="utf-8")).get("context", {})
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(folder.resolve()),
        # The CDK's own validator takes seconds, and has its say in `make synth`.
        "CDK_VALIDATION": "false",
        "PYTHONUTF8": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
    }
    run = subprocess.run(
        [str(python), "app.py"],
        cwd=source,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if run.returncode and not _has_findings(folder):
        said = re.sub(r"\x1b\[[0-9;]*m", "", run.stdout).strip().splitlines()
        last = "\n".join(f"  {line}" for line in said[-_LAST_LINES:])
        raise CheckoutError(f"{label} does not synthesise:\n{last}")
    return folder


def _has_findings(folder: Path) -> bool:
    return (folder / "manifest.json").exists() and bool(read(folder).findings)
