"""What benchmarks/training.py trains, and on what: both are made once, and kept."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from benchmarks import serving_base
from data import nsmc


def corpus(folder: Path, rows: int) -> tuple[Path, Path]:
    """Return files of `{"text", "label"}` lines: the first `rows` of NSMC's training set, and all of it."""
    whole = folder / "nsmc.jsonl"
    if not whole.exists():
        source = nsmc.find(folder.parent.parent / "nsmc") / "ratings_train.txt"
        with (
            source.open(encoding="utf-8", newline="\n") as lines,
            whole.open("w", encoding="utf-8") as written,
        ):
            for line in islice(lines, 1, None):
                _, text, label = line.rstrip("\r\n").split("\t")
                if text:
                    name = {"0": "negative", "1": "positive"}[label]
                    written.write(json.dumps({"text": text, "label": name}, ensure_ascii=False) + "\n")
    some = folder / f"nsmc-{rows}.jsonl"
    if not some.exists():
        with whole.open(encoding="utf-8") as lines:
            some.write_text("".join(islice(lines, rows)), encoding="utf-8")
    return some, whole


def base_checkpoint(folder: Path, texts: Path) -> Path:
    """Return a checkpoint of KoELECTRA-small-v3's shape, whose tokenizer makes as many tokens of a review."""
    checkpoint = folder / "checkpoint"
    if not (checkpoint / "config.json").exists():
        with texts.open(encoding="utf-8") as lines:
            serving_base.write([json.loads(line) for line in lines], checkpoint)
    return checkpoint
