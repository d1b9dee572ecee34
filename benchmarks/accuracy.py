"""How right a model is on NSMC's official test set, which it is scored on once.

    NSMC_DIR=... .venv/bin/python benchmarks/accuracy.py --model me5-small-ko --base FOLDER --seed 1 -- \\
        --num_train_epochs 3 --learning_rate 1e-4

What stands after `--` are arguments of train.py. The epoch is chosen on validation rows, which prepare.py
carves from the training set by the hash of the text. `--model bag-of-words` needs no checkpoint: logistic
regression on character n-grams, its strength chosen on the same validation rows. `--data bundled` trains on
the bundled reviews, as the demo does, and tests on 2,000 of NSMC's test rows. The row that is measured
is added to benchmarks/accuracy.json, in place of one of the same model, rows and seed.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Started as a script, Python looks for modules beside it, not in the folder above.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "training_code"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer

import contract  # noqa: F401  # makes normalisation importable, as train.py does
from batches import Inputs
from data import nsmc
from encoding import encode
from hyperparameters import device
from objective import right
from rows import Row, read_jsonl
from subset import subset

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "benchmarks" / "accuracy.json"
SPLITS = ROOT / "build" / "benchmarks" / "accuracy"
BAG_OF_WORDS = "bag-of-words"
# Of NSMC's test rows, for a model that has learnt from the bundled reviews.
FOREIGN_ROWS = 2_000
STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)


def prepare(data: str) -> dict[str, list[Row]]:
    """Return the rows as prepare.py splits them; made once, and kept.

    The bundled reviews are few: in place of their own test rows stand NSMC's, without those that are among
    the reviews.
    """
    kept = SPLITS / data
    if not (kept / "test.jsonl").exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SPLITS) as base:
            for split, file in _files(data).items():
                tsv = Path(base, "processing", "input", "data", split, "ratings.tsv")
                tsv.parent.mkdir(parents=True)
                tsv.symlink_to(file.absolute())
            _job(Path(base), "prepare.py")
            for split in ("train", "validation", "test"):
                Path(base, "processing", "output", split, f"{split}.jsonl").rename(kept / f"{split}.jsonl")
    rows = {split: read_jsonl(kept / f"{split}.jsonl") for split in ("train", "validation", "test")}
    if data == "bundled":
        known = {row.text for row in [*rows["train"], *rows["validation"]]}
        foreign = [row for row in prepare("nsmc")["test"] if row.text not in known]
        rows["test"] = subset(foreign, FOREIGN_ROWS, seed=1)
    return rows


def _files(data: str) -> dict[str, Path]:
    if data == "bundled":
        return {"train": ROOT / "data" / "reviews" / "reviews.tsv"}
    corpus = nsmc.find(ROOT / "build" / "nsmc")
    return {split: corpus / f"ratings_{split}.txt" for split in ("train", "test")}


def fine_tune(
    base: Path,
    from_scratch: bool,
    seed: int,
    arguments: list[str],
    data: str,
    test: list[Row],
    output: Path | None,
) -> dict[str, Any]:
    """Train by train.py, and copy the model to a folder if one is given; returns what the row says of it."""
    with tempfile.TemporaryDirectory(dir=SPLITS) as folder:
        job = Path(folder)
        channels = job / "input" / "data"
        for split in ("train", "validation"):
            (channels / split).mkdir(parents=True)
            (channels / split / f"{split}.jsonl").symlink_to(SPLITS / data / f"{split}.jsonl")
        if from_scratch:
            torch.manual_seed(seed)
            AutoModel.from_config(AutoConfig.from_pretrained(base)).save_pretrained(channels / "model")
            AutoTokenizer.from_pretrained(base).save_pretrained(channels / "model")
        else:
            (channels / "model").symlink_to(base.resolve())
        _job(job, "train.py", "--seed", str(seed), *arguments)
        if output:
            shutil.copytree(job / "model", output, dirs_exist_ok=True)
        trained = json.loads((job / "output" / "data" / "training.json").read_text(encoding="utf-8"))
        return {
            "train_rows": trained["rows"]["train"],
            "epochs": trained["arguments"]["num_train_epochs"],
            "seed": seed,
            "validation_accuracy": round(trained["best"]["accuracy"], 5),
            "test_rows": len(test),
            "test_accuracy": round(score(job / "model", test), 5),
            "seconds": trained["throughput"]["train_seconds"],
        }


def score(folder: Path, rows: list[Row]) -> float:
    """Return the accuracy of a model's folder on the rows."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).to(device()).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = encode(rows, model.config.label2id, tokenizer, tokenizer.model_max_length)
    inputs = Inputs(encoded, model.config, tokenizer, device())
    found = 0
    with torch.inference_mode():
        for some in inputs.in_order_of_length(256):
            batch = inputs.batch(some)
            labels = batch.pop("labels")
            found += int(right(model(**batch).logits, labels).sum())
    return found / len(rows)


def bag_of_words(rows: dict[str, list[Row]], train_subset: float, seed: int) -> dict[str, Any]:
    """Fit logistic regression on TF-IDF of 1 to 4 characters; returns what the row says of it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    started = time.monotonic()
    train = subset(rows["train"], train_subset, seed)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
    given = vectorizer.fit_transform([row.text for row in train])
    validation, test = (
        vectorizer.transform([row.text for row in rows[split]]) for split in ("validation", "test")
    )
    answers = {split: [row.label for row in some] for split, some in rows.items()}
    best, chosen = -1.0, None
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, solver="liblinear")
        model.fit(given, [row.label for row in train])
        accuracy = float(model.score(validation, answers["validation"]))
        print(
            f"[{BAG_OF_WORDS}] C={strength} validation accuracy={accuracy:.4f}", file=sys.stderr, flush=True
        )
        if accuracy > best:
            best, chosen = accuracy, model
    assert chosen
    return {
        "train_rows": len(train),
        "epochs": 1,
        "seed": seed,
        "validation_accuracy": round(best, 5),
        "test_rows": len(answers["test"]),
        "test_accuracy": round(float(chosen.score(test, answers["test"])), 5),
        "seconds": round(time.monotonic() - started, 3),
    }


def keep(row: dict[str, Any], file: Path) -> None:
    """Add the row to the file, in place of the one that it repeats."""

    def what(one: dict[str, Any]) -> tuple[Any, ...]:
        return one["model"], one["train_rows"], one["seed"]

    with file.open("a+", encoding="utf-8") as kept:
        # Several runs may end at once.
        fcntl.flock(kept, fcntl.LOCK_EX)
        kept.seek(0)
        others = [one for one in json.loads(kept.read() or "[]") if what(one) != what(row)]
        rows = sorted([*others, row], key=lambda one: (one["model"], -one["train_rows"], one["seed"]))
        kept.truncate(0)
        lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in rows)
        kept.write(f"[\n{lines}\n]\n")


def _job(base: Path, script: str, *arguments: str) -> None:
    finished = subprocess.run(
        [sys.executable, str(ROOT / "training_code" / script), *arguments],
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(base)},
        stdout=sys.stderr,
        check=False,
    )
    if finished.returncode:
        sys.exit(f"{script} failed: nothing was measured")


def main() -> None:
    """Measure one model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--model", required=True, help=f"its name in the figures; {BAG_OF_WORDS} needs no --base"
    )
    parser.add_argument("--base", type=Path, help="folder of the checkpoint that is fine-tuned")
    parser.add_argument(
        "--from_scratch", action="store_true", help="take the checkpoint's shape, not its weights"
    )
    parser.add_argument("--data", choices=["nsmc", "bundled"], default="nsmc", help="rows to train on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--json", type=Path, default=FIGURES, help="file that the row is added to: %(default)s"
    )
    parser.add_argument("--output", type=Path, help="folder to keep the fine-tuned model in")
    parser.add_argument("train", nargs="*", help="after --: arguments of train.py")
    options = parser.parse_args()
    rows = prepare(options.data)
    if options.model.startswith(BAG_OF_WORDS):
        part = dict(zip(options.train[::2], options.train[1::2], strict=True)).get("--train_subset", "1")
        found = bag_of_words(rows, float(part), options.seed)
    elif options.base and (options.base / "config.json").is_file():
        found = fine_tune(
            options.base,
            options.from_scratch,
            options.seed,
            options.train,
            options.data,
            rows["test"],
            options.output,
        )
    else:
        parser.error("--base must name the folder of a checkpoint")
    row = {"model": options.model, **found, "command": _command(options)}
    keep(row, options.json)
    print(json.dumps(row, ensure_ascii=False))


def _command(options: argparse.Namespace) -> str:
    """What was asked for, without the paths of this machine."""
    asked = ["python benchmarks/accuracy.py", f"--model {shlex.quote(options.model)}"]
    if options.base:
        inside = options.base.resolve().is_relative_to(ROOT)
        asked.append(f"--base {options.base.resolve().relative_to(ROOT) if inside else '$BASE_MODEL_DIR'}")
    asked += ["--from_scratch"] if options.from_scratch else []
    asked += ["--data bundled"] if options.data == "bundled" else []
    asked += [f"--seed {options.seed}"]
    return " ".join([*asked, *(["--", *options.train] if options.train else [])])


if __name__ == "__main__":
    main()
