"""Writes `docs/accuracy.md` and its picture from the figures that `benchmarks/accuracy.py` measured.

`python -m docs.accuracy` does. A test keeps both current.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import groupby
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import matplotlib
from matplotlib.figure import Figure

sys.path.append(str(Path(__file__).resolve().parents[1] / "training_code"))

from significance import accuracy_interval

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "benchmarks" / "accuracy.json"
PAGE = ROOT / "docs" / "accuracy.md"
# Not in docs/pictures, which holds what is drawn from the stacks and nothing else.
PICTURE = ROOT / "docs" / "learning-curve.svg"

Row = dict[str, Any]
"""One fine-tuning, measured: a row of the file."""

CURVE = ("me5-small-ko", "bag-of-words")
_COLOURS = ("#1f5fa8", "#c2620a")
_BUNDLED = ", bundled reviews"
_TRAINER = ", Trainer in float32"

_HEAD = """\
# Accuracy

Made from [benchmarks/accuracy.json](../benchmarks/accuracy.json) by `python -m docs.accuracy`: do not
edit."""

_PROTOCOL = """\
## How it is measured

`benchmarks/accuracy.py` splits [NSMC](https://github.com/e9t/nsmc) as the workflow's *prepare* does, and
trains with the workflow's `train.py`. Validation rows come out of the training rows by a hash of the
text; the epoch, and the strength of the bag of words, are chosen on them. The official test rows, less
the three that have no text, are scored once for each model that was trained. A part of the rows is drawn
by the seed, each label with its share.

Each line below is the mean over its seeds. The range is that of the seeds; the interval is Wilson's at
95 % around the mean, and covers the choice of the test rows alone."""

_WHERE = """\
nunchi-mini, its loops on 13,077 rows, the bag of words, and all models on the bundled reviews were trained
on 2 CPU cores by what requirements.txt pins. The other encoders were fine-tuned on one NVIDIA H200, with
other work on it for a part of the time, by transformers 5.17 and torch 2.11, where nothing else is said in
bfloat16, which then was automatic mixed precision (now a [copy](../training_code/bfloat16.py) of the model
computes). `seconds` in the file are therefore no comparison of speed.

- **me5-small-ko** is a Korean cut of
  [multilingual-e5-small](https://huggingface.co/intfloat/multilingual-e5-small): 12 layers, 384
  dimensions.
- **nunchi-mini** is the bundled base model: 4 layers, 256 dimensions, 9.4 MB. Its
  [model card](../data/base_model/README.md) says what it learnt from: texts first, then the answers of a
  fine-tuned me5-small-ko. **nunchi-mini before distillation** has learnt from texts alone;
  [data/README.md](../data/README.md#the-base-model) has the commands that make both.
- **nunchi-mini from scratch** has its shape and its tokenizer, and weights that have learnt nothing.
- **bag-of-words** is logistic regression on TF-IDF of 1 to 4 characters. On all rows it has nothing that
  a seed could change."""

_HUB = """\
KoELECTRA, which an environment trains by default, is not among them: its weights could not be had where
this was measured. Where there is a way to the Hugging Face Hub, two commands measure it:

```console
$ huggingface-cli download monologg/koelectra-small-v3-discriminator --local-dir koelectra-small
$ .venv/bin/python benchmarks/accuracy.py --model koelectra-small-v3 --base koelectra-small --seed 1
```

Its author [published 89.36](https://github.com/monologg/KoELECTRA) for it, with the epoch chosen on the
test rows, which flatters. A retrain in any environment prints its own accuracy; it stands in the
registry beside each model, and on the dashboard under *At the gate*."""

_SPEED = """\
## One sentence on one core

```console
$ .venv/bin/python -m benchmarks.inference
nunchi-mini: 2.69 ms a sentence
KoELECTRA-small-v3's shape: 7.24 ms a sentence
ratio 0.37, at a median of 11 tokens a sentence
```

Both in PyTorch, in float32, in turns in the same run, on one core of a virtual machine that other programs
used as well; other runs gave ratios from 0.29 to 0.44. So nunchi-mini is the model to try a serverless
endpoint with, as dev has one. [How fast it answers](serving-speed.md) has the endpoint with ONNX Runtime."""


def read() -> list[Row]:
    """The rows of the file, in its order."""
    rows: list[Row] = json.loads(FIGURES.read_text(encoding="utf-8"))
    return rows


def page(rows: Sequence[Row]) -> str:
    """The page about these rows."""
    official = [row for row in rows if not row["model"].endswith(_BUNDLED)]
    bundled = [row for row in rows if row["model"].endswith(_BUNDLED)]
    return "\n\n".join(
        [
            _HEAD,
            _PROTOCOL,
            "## On NSMC",
            _table(official),
            _said(rows),
            _WHERE,
            _HUB,
            "## With fewer rows",
            f"![Accuracy of me5-small-ko and of the bag of words by training rows]({PICTURE.name})",
            _few(rows),
            "## After the demo's training",
            _demo(rows),
            _table(bundled),
            _SPEED,
            f"## Every run\n\n{_runs(rows)}\n",
        ]
    )


def _table(rows: Iterable[Row]) -> str:
    lines = [
        "| Model | Training rows | Epochs | Seeds | Test rows | Accuracy | Range | 95 % interval |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for (model, count), some in groupby(rows, key=lambda row: (row["model"], row["train_rows"])):
        group = list(some)
        found, tested = [row["test_accuracy"] for row in group], group[0]["test_rows"]
        low, high = accuracy_interval(round(mean(found) * tested), tested)
        spread = f"{100 * min(found):.2f} to {100 * max(found):.2f}" if len(found) > 1 else ""
        epochs = "" if model.startswith("bag-of-words") else f"{group[0]['epochs']:g}"
        lines.append(
            f"| {model.removesuffix(_BUNDLED)} | {count:,} | {epochs} | {len(group)} | {tested:,} "
            f"| **{100 * mean(found):.2f}** | {spread} | {100 * low:.2f} to {100 * high:.2f} |"
        )
    return "\n".join(lines)


def _mean(rows: Iterable[Row], model: str, train_rows: int | None = None) -> float:
    """The accuracy, in percent, over the seeds; by default on the most rows that the model was trained on."""
    own = [row for row in rows if row["model"] == model]
    wanted = train_rows or max(row["train_rows"] for row in own)
    return 100 * float(mean(row["test_accuracy"] for row in own if row["train_rows"] == wanted))


def _said(rows: Sequence[Row]) -> str:
    large, ours, before, scratch, bag = (
        _mean(rows, model)
        for model in (
            *("me5-small-ko", "nunchi-mini", "nunchi-mini before distillation"),
            *("nunchi-mini from scratch", "bag-of-words"),
        )
    )
    return f"""\
What it says, and what it does not:

- me5-small-ko reaches {large:.2f} % on average, just short of the 89 % that was aimed at.
- Pre-training gives nunchi-mini's shape {before - scratch:.1f} points, distillation {ours - before:.1f} more.
- On all rows the bag of words, at {bag:.2f} %, is {ours - bag:.1f} points behind nunchi-mini, and
  {bag - before:.1f} points **better** than it was before distillation: with 130,000 labelled rows, character
  n-grams do nearly as well as so small an encoder. What nunchi-mini
  is for is few labelled rows, as [below](#after-the-demos-training).
{_parity(rows)}
- `make demo DATA=nsmc` trains nunchi-mini for two epochs on CPUs, and serves it in int8: on two cores it took
  nine minutes, and got 87.5 % of the 49,997 test rows right."""


def _parity(rows: Sequence[Row]) -> str:
    accuracies = {(row["model"], row["train_rows"], row["seed"]): 100 * row["test_accuracy"] for row in rows}
    means, ahead = [], []
    for model in ("me5-small-ko", "nunchi-mini before distillation"):
        pairs = [
            (accuracies[model, count, seed], theirs)
            for (other, count, seed), theirs in accuracies.items()
            if other == f"{model}{_TRAINER}"
        ]
        native, trainer = (mean(pair[side] for pair in pairs) for side in (0, 1))
        means.append(f"{native:.2f} and {trainer:.2f} % ({model}, {len(pairs)} seeds)")
        ahead += [theirs - ours for ours, theirs in pairs]
    (part,) = {row["train_rows"] for row in rows if row["model"].endswith(_TRAINER)}
    error = stdev(ahead) / len(ahead) ** 0.5
    return f"""\
- Our training loop in bfloat16 and transformers' Trainer in float32 reach the same on {part:,} rows:
  {", ".join(means)}.
  Seed by seed the Trainer is {mean(ahead):+.2f} points ahead, standard error {error:.2f}.
  Where both are made to draw the same dropout, they make the same weights: a test sees to it."""


def _few(rows: Sequence[Row]) -> str:
    counts = sorted({row["train_rows"] for row in rows if row["model"] == CURVE[0]})
    gains = ", ".join(
        f"{_mean(rows, CURVE[0], count) - _mean(rows, CURVE[1], count):+.1f} points on {count:,} rows"
        for count in counts
    )
    return f"A point is a seed, the lines join the means. me5-small-ko against the bag of words: {gains}."


def _demo(rows: Sequence[Row]) -> str:
    ours, before, bag = (
        _mean(rows, f"{model}{_BUNDLED}")
        for model in ("nunchi-mini", "nunchi-mini before distillation", "bag-of-words")
    )
    return f"""\
Trained as `make demo` trains, on the bundled reviews, and tested on 2,000 of NSMC's test rows (drawn
once, each label with its share, none that is among the reviews): real reviews, of which the model has
seen none. It gets {ours:.2f} % of them right, the bag of words on the same training rows {bag:.2f} %,
chance 50 %. That is no measure of what 2,005 rows teach: nunchi-mini's teacher had learnt the labels of
NSMC's train rows. Before distillation, when it knew no labels at all, it got {before:.2f} % right.
`make demo` itself prints the accuracy on the bundled reviews that it holds out, of which it got 92.2 % of
243 right when it last was run here."""


def _runs(rows: Iterable[Row]) -> str:
    lines = [
        "| Model | Training rows | Seed | Validation | Test | Command |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [
        f"| {row['model']} | {row['train_rows']:,} | {row['seed']} | {100 * row['validation_accuracy']:.2f} "
        f"| {100 * row['test_accuracy']:.2f} | `{row['command']}` |"
        for row in rows
    ]
    return "\n".join(lines)


def picture(rows: Sequence[Row]) -> str:
    """The learning curves as SVG, the same bytes from the same rows."""
    # https://matplotlib.org/stable/users/explain/customizing.html: ids that are no chance; text as text.
    with matplotlib.rc_context({"svg.hashsalt": "nunchi", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4))
        axes = figure.subplots()
        for model, colour in zip(CURVE, _COLOURS, strict=True):
            own = [row for row in rows if row["model"] == model]
            counts = sorted({row["train_rows"] for row in own})
            axes.plot(counts, [_mean(own, model, count) for count in counts], color=colour, label=model)
            points = [100 * row["test_accuracy"] for row in own]
            axes.scatter([row["train_rows"] for row in own], points, color=colour, s=12)
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.minorticks_off()
        axes.set_xlabel("training rows of NSMC")
        axes.set_ylabel("accuracy on its official test rows, %")
        axes.grid(axis="y", color="#d8dee6")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right")
        drawn = StringIO()
        figure.savefig(drawn, format="svg", bbox_inches="tight", metadata={"Date": None})
    # matplotlib leaves blanks at the ends of lines.
    return "".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(read()), encoding="utf-8")
    PICTURE.write_text(picture(read()), encoding="utf-8")
