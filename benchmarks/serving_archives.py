"""The model archives that benchmarks/serving.py measures, made by the project's own jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from data import nsmc

ROOT = Path(__file__).resolve().parent.parent
HANDLERS = Path(__file__).with_name("handlers")
BASE_ROWS = 60_000
TRAIN_ROWS = 3_000
VALIDATION_ROWS = 1_000
TRAIN = [
    "--num_train_epochs=1",
    "--per_device_train_batch_size=32",
    "--learning_rate=3e-4",
    "--max_seq_length=128",
    "--logging_steps=20",
]


def run(base: Path, *command: str) -> None:
    """Run Python where `base` stands for /opt/ml; what it prints goes to standard error.

    Raises:
        SystemExit: it failed; what it said stands above.
    """
    finished = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(base)},
        stdout=sys.stderr,
    )
    if finished.returncode:
        sys.exit(f"{' '.join(command)} failed: nothing was measured")


def job(base: Path, script: str, *arguments: str) -> None:
    """Run a job of training_code/."""
    run(base, str(ROOT / "training_code" / script), *arguments)


def train(folder: Path) -> None:
    """Fill `folder` with model/ (what train.py makes of NSMC), validation.jsonl, and test.jsonl: NSMC's own.

    Raises:
        ValueError: NSMC is not to be had; the message says how to get it.
    """
    corpus = nsmc.find(ROOT / "build" / "nsmc")
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        base = Path(temporary)
        processing, channels = base / "processing", base / "input" / "data"
        for split in ("train", "test"):
            tsv = processing / "input" / "data" / split / "ratings.tsv"
            tsv.parent.mkdir(parents=True)
            tsv.symlink_to((corpus / f"ratings_{split}.txt").absolute())
        job(base, "prepare.py")
        train, validation, test = (
            processing / "output" / split / f"{split}.jsonl" for split in ("train", "validation", "test")
        )
        # Not the same ones: what the embeddings know by heart has nothing to teach the layers.
        _copy_lines(train, base / "base.jsonl", 0, BASE_ROWS)
        _copy_lines(train, channels / "train" / train.name, BASE_ROWS, BASE_ROWS + TRAIN_ROWS)
        _copy_lines(validation, channels / "validation" / validation.name, 0, VALIDATION_ROWS)
        run(base, "-m", "benchmarks.serving_base", str(base / "base.jsonl"), str(channels / "model"))
        job(base, "train.py", *TRAIN)
        made = base / "made"
        made.mkdir()
        for path in (base / "model", channels / "validation" / validation.name, test):
            path.rename(made / path.name)
        made.rename(folder)


def _copy_lines(source: Path, target: Path, start: int, stop: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as lines:
        target.write_bytes(b"".join(islice(lines, start, stop)))


def pack(folder: Path, archive: Path, code: Path | None) -> None:
    """Write the archive of a model folder, with the files of `code`, or none, as its code/."""
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(folder.iterdir()):
            if path.is_file():
                tar.add(path, path.name)
        for path in sorted(code.glob("*.py")) if code else ():
            tar.add(path, f"code/{path.name}")


def optimise(trained: Path, validation: Path, archive: Path) -> dict[str, Any]:
    """Write what optimise.py makes of the archive `trained`; returns what it says of it.

    Raises:
        SystemExit: it could make nothing of it.
    """
    with tempfile.TemporaryDirectory(dir=archive.parent) as temporary:
        processing = Path(temporary) / "processing"
        for name, path in (("model/model.tar.gz", trained), ("validation/validation.jsonl", validation)):
            given = processing / "input" / name
            given.parent.mkdir(parents=True)
            given.symlink_to(path.absolute())
        job(Path(temporary), "optimise.py")
        written = processing / "output" / "optimisation" / "optimisation.json"
        found: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
        if not found["exported"]:
            sys.exit(f"optimise.py made nothing of the model: {found['reason']}")
        (processing / "output" / "model" / "model.tar.gz").rename(archive)
    return found
