"""Changes of the repository, each with what a review of it must say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from review.checkout import ROOT, synthesise_files
from review.model import Side

Edit = tuple[str, str, str]
"""A file, a text that stands in it exactly once (none: the file is new), and what takes its place."""

# All that the synthesis and the review read.
_READ = ("app.py", "cdk.json", "package.json", "config", "stacks", "training_code", "inference_code")


@dataclass(frozen=True)
class Case:
    """A change; what is dangerous about it, and that nothing else is."""

    name: str
    edits: tuple[Edit, ...] = ()
    removed: tuple[str, ...] = ()
    """Files."""
    dangers: tuple[str, ...] = ()
    """Category and resource of each, with `<env>` for every environment: `data nunchi-<env>-storage/Data`."""
    changes_nothing: bool = False
    """Whether no resource changes, though the code does."""
    says: str = ""
    """The whole review, where it is one line."""


def edited(folder: Path, *edits: Edit) -> Side:
    """A copy of the working tree below `folder`, with the edits, synthesised."""
    copy(folder / "source", *edits)
    return synthesise_files("the change", folder / "source", folder / "assembly")


def copy(source: Path, *edits: Edit, removed: Sequence[str] = ()) -> None:
    """A copy of the working tree in `source`, with the edits.

    Raises:
        ValueError: a text is not there, or is there more than once.
    """
    for name in _READ:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            source.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    for file, old, new in edits:
        text = (source / file).read_text(encoding="utf-8") if old else ""
        if old and text.count(old) != 1:
            raise ValueError(f"{file} has {text.count(old)} times what the edit replaces: {old!r}")
        (source / file).write_text(text.replace(old, new) if old else new, encoding="utf-8")
    for file in removed:
        (source / file).unlink()


def synthesised(folder: Path, cases: Sequence[Case], processes: int = 2) -> dict[str, Side]:
    """The cases by name, each synthesised below `folder`, in few processes: the CDK starts slowly."""
    sides = {}
    for number, case in enumerate(cases):
        source = folder / str(number) / "source"
        copy(source, *case.edits, removed=case.removed)
        sides[case.name] = Side(case.name, source, folder / str(number) / "assembly")
    places = [(str(side.source), str(side.assembly)) for side in sides.values()]
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.review.synthesise_many"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for number, worker in enumerate(workers):
        assert worker.stdin
        worker.stdin.write(json.dumps(places[number::processes]))
        worker.stdin.close()
        worker.stdin = None
    for worker in workers:
        _, said = worker.communicate()
        if worker.returncode:
            raise RuntimeError(f"the changes were not synthesised:\n{said}")
    return sides
