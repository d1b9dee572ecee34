"""How fast a model is fine-tuned: the workshops' recipe, and ours, on the CPU or the GPU of this machine.

    NSMC_DIR=... .venv/bin/python benchmarks/training.py --json build/training.json

The sides take turns in one run, each in a process of its own, so that what else the machine does meets them
all. The model has the shape of KoELECTRA-small-v3, the texts are NSMC's. The recipe is transformers' Trainer
in float32, every text padded to a fixed length.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Started as a script, Python looks for modules beside it, not in the folder above.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.training_data import base_checkpoint, corpus

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "benchmarks" / "training"
ROUNDS = 2
GOALS = {
    "cpu_ratio_128": "≥ 10",
    "cpu_ratio_512": "≥ 30",
    "gpu_ratio": "≥ 5",
    "memory_ratio": "≤ 1.5",
    "tokenise_seconds": "< 10",
}

_BEGAN = time.monotonic()


@dataclass
class Side:
    """One way to train, and what was measured of it, a dictionary a round."""

    name: str
    title: str
    options: list[str]
    measured: list[dict[str, Any]] = field(default_factory=list)

    @property
    def samples_per_second(self) -> float:
        """Texts learnt from, by the time that it took, over the rounds."""
        samples, seconds = (sum(float(one[name]) for one in self.measured) for name in ("samples", "seconds"))
        return samples / seconds

    def row(self) -> dict[str, Any]:
        """What was measured; of what the rounds agree on, the last."""
        return {
            "side": self.name,
            "title": self.title,
            **self.measured[-1],
            "samples": sum(one["samples"] for one in self.measured),
            "seconds": round(sum(one["seconds"] for one in self.measured), 3),
            "samples_per_second": round(self.samples_per_second, 2),
        }


def sides(gpu: bool) -> list[Side]:
    """What is compared on this machine: a GPU wants more texts at a time."""
    larger = 256 if gpu else 128
    return [
        Side("recipe_128", "the recipe, padded to 128", ["recipe", "--pad=128"]),
        Side("recipe_512", "the recipe, padded to 512", ["recipe", "--pad=512"]),
        Side("trainer", "ours, --loop trainer", ["trainer"]),
        Side("native", "ours", ["native"]),
        Side(f"native_{larger}", f"ours, {larger} texts a step", ["native", f"--batch={larger}"]),
    ]


def say(line: str) -> None:
    """Print a line of progress."""
    print(f"[{time.monotonic() - _BEGAN:4.0f} s] {line}", file=sys.stderr, flush=True)


def measure(side: Side, checkpoint: Path, texts: Path, rows: int, seconds: float) -> None:
    """Have a worker train for a while, and add what it says to the side."""
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.training_worker", *side.options),
            *(f"--checkpoint={checkpoint}", f"--texts={texts}", f"--rows={rows}", f"--seconds={seconds}"),
        ],
        cwd=ROOT,
        env={**os.environ, "HF_ASSETS_CACHE": str(KEPT / "tokens")},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        sys.exit(f"{side.title} failed: what it said stands above")
    side.measured.append(json.loads(finished.stdout.splitlines()[-1]))


def figures(measured: list[Side], tokenised: dict[str, float], gpu: bool) -> dict[str, Any]:
    """The ratios, and each side's row; what this machine cannot tell is null."""
    rate = {side.name: side.samples_per_second for side in measured}
    ours = max(
        (side for side in measured if side.name.startswith("native")), key=lambda side: rate[side.name]
    )
    row = ours.row()

    def ratio(recipe: str) -> float:
        return round(rate[ours.name] / rate[recipe], 2)

    return {
        "device": row["device"],
        "cpu_ratio_128": None if gpu else ratio("recipe_128"),
        "cpu_ratio_512": None if gpu else ratio("recipe_512"),
        "gpu_ratio": ratio("recipe_128") if gpu else None,
        "gpu_ratio_512": ratio("recipe_512") if gpu else None,
        "mfu": row["mfu"],
        "memory_ratio": next(side for side in measured if side.name == "native").row()["memory_ratio"],
        **tokenised,
        "rows": [side.row() for side in measured],
    }


def table(found: dict[str, Any]) -> str:
    """The figures for a person."""
    head = f"{'':34}{'samples/s':>10}{'seconds':>9}{'TFLOP/s':>9}{'of ceiling':>11}{'memory MB':>11}"
    lines = [
        f"{row['title']:34}{row['samples_per_second']:>10,.1f}{row['seconds']:>9.1f}"
        f"{row['tflops']:>9.3f}{row['mfu']:>11.1%}{row['peak_bytes'] / 1e6:>11,.0f}"
        for row in found["rows"]
    ]
    goals = [
        f"{name:34}{found[name]:>10}{'':4}wanted {goal}"
        for name, goal in GOALS.items()
        if found[name] is not None
    ]
    profile: dict[str, float] = next(
        (row["profile"] for row in reversed(found["rows"]) if row["profile"]), {}
    )
    shares = [f"{name:34}{share:>10.1%}" for name, share in profile.items()]
    where = ["", f"Where the time of a step goes on {found['device']}", *shares] if shares else []
    return "\n".join([head, *lines, "", *goals, *where])


def main() -> None:
    """Measure, write the JSON, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument(
        "--rows", type=int, default=20_000, help="of NSMC's training set, at most: %(default)s"
    )
    parser.add_argument(
        "--seconds", type=float, default=10, help="that each side trains in a round: %(default)s"
    )
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    texts, whole = corpus(KEPT, options.rows)
    checkpoint = base_checkpoint(KEPT, texts)
    shutil.rmtree(KEPT / "tokens", ignore_errors=True)
    say("tokenising all of NSMC's training set, and once more from the cache")
    tokenised = Side("tokenise", "tokenising", ["tokenise"])
    measure(tokenised, checkpoint, whole, 10**9, 0)
    gpu = tokenised.measured[0].pop("gpu")
    compared = sides(gpu)
    for number in range(1, ROUNDS + 1):
        for side in compared:
            say(f"round {number} of {ROUNDS}: {side.title}")
            measure(side, checkpoint, texts, options.rows, options.seconds)
    found = figures(compared, tokenised.measured[0], gpu)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
