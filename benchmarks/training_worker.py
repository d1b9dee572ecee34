"""One side of benchmarks/training.py: trains for a while, and prints what it measured as a line of JSON.

python -m benchmarks.training_worker native --checkpoint FOLDER --texts FILE --rows N --seconds S
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "training_code"))

import contract  # noqa: F401  # makes normalisation importable, as train.py does
from batches import order
from benchmarks.training_measure import ceiling, flops, memory_ratio, peak_bytes, profile, resident_bytes
from clock import Clock
from encoding import encode
from hyperparameters import Arguments, device
from native_loop import Data, NativeLoop
from reporting import Reporter
from rows import Row, read_jsonl

LABELS = ["negative", "positive"]
RECIPE_BATCH = 32
OURS_BATCH = 64
WARM_UP = 1
"""Steps that are not counted."""


class Stopwatch:
    """Counts what is learnt from after the warm-up, until the time is over."""

    def __init__(self, seconds: float, warm_up: int, rows: int) -> None:
        """Count for so many seconds, or rows, after so many steps."""
        self.samples = self.tokens = self.steps = 0
        self._seconds = seconds
        self._warm_up = warm_up
        self._rows = rows
        self._started = self.elapsed = 0.0

    def step(self, samples: int, tokens: int) -> bool:
        """Count a step; returns whether another is wanted."""
        self.steps += 1
        if self.steps <= self._warm_up:
            _wait()
            self._started = time.perf_counter()
            return True
        self.samples += samples
        self.tokens += tokens
        over = time.perf_counter() - self._started >= self._seconds or self.samples >= self._rows
        if over:
            _wait()
            self.elapsed = time.perf_counter() - self._started
        return not over


def recipe(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[Row], pad: int, watch: Stopwatch
) -> None:
    """Train as the workshops do."""
    some = rows[: 4 * RECIPE_BATCH * 100]
    encoded = tokenizer([row.text for row in some], padding="max_length", truncation=True, max_length=pad)
    dataset = [
        {**{name: values[index] for name, values in encoded.items()}, "labels": LABELS.index(row.label)}
        for index, row in enumerate(some)
    ]

    class _Watch(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if not watch.step(RECIPE_BATCH, RECIPE_BATCH * pad):
                control.should_training_stop = True

    with tempfile.TemporaryDirectory() as folder:
        Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=RECIPE_BATCH,
                num_train_epochs=1000,
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                logging_strategy="no",
                use_cpu=not torch.cuda.is_available(),
                dataloader_pin_memory=torch.cuda.is_available(),
            ),
            train_dataset=dataset,
            callbacks=[_Watch],
        ).train()


def ours(
    arguments: Arguments,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: list[Row],
    watch: Stopwatch,
) -> NativeLoop:
    """Train by the native loop's own steps."""
    encoded = encode(rows, model.config.label2id, tokenizer, arguments.max_seq_length)
    loop = NativeLoop(
        arguments,
        model,
        Data(encoded, encoded, tokenizer),
        Path(tempfile.gettempdir()),
        Reporter(lambda metrics, step: None),
        Clock(device()),
        resumable=False,
    )
    # In bfloat16 it is a copy of the model that computes.
    loop._model.train()
    for epoch in range(1000):
        for step in order(encoded.lengths, arguments.per_device_train_batch_size, arguments.seed, epoch):
            loop.step(step)
            if not watch.step(len(step), int(encoded.lengths[step].sum())):
                return loop
    return loop


def by_trainer(
    arguments: Arguments,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: list[Row],
    watch: Stopwatch,
) -> None:
    """Train by train.py's Trainer; the steps are counted as they are taken."""
    import trainer_loop

    encoded = encode(rows, model.config.label2id, tokenizer, arguments.max_seq_length)
    mean = float(encoded.lengths.mean())

    class _StopError(Exception):
        pass

    class _Watched(trainer_loop._Trainer):
        def training_step(self, *given: Any, **named: Any) -> Any:
            loss = super().training_step(*given, **named)
            if not watch.step(arguments.per_device_train_batch_size, round(mean * OURS_BATCH)):
                raise _StopError
            return loss

    trainer_loop._Trainer = _Watched  # type: ignore[misc]  # of the worker's own process
    # The Trainer's own way to stop would validate and save first.
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(_StopError):
        trainer_loop.train(
            arguments,
            model,
            Data(encoded, encoded, tokenizer),
            Path(folder),
            Reporter(lambda metrics, step: None),
            resumable=False,
        )


def tokenise(tokenizer: PreTrainedTokenizerBase, rows: list[Row]) -> dict[str, Any]:
    """Encode the rows twice: the second time from the cache."""
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        encode(rows, {"negative": 0, "positive": 1}, tokenizer, 128)
        seconds.append(round(time.perf_counter() - started, 3))
    return {
        "tokenise_seconds": seconds[0],
        "tokenise_cached_seconds": seconds[1],
        "gpu": torch.cuda.is_available(),
    }


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Measure one side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["recipe", "trainer", "native", "tokenise"])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--pad", type=int, default=128)
    parser.add_argument("--max", type=int, default=128)
    parser.add_argument("--batch", type=int, default=OURS_BATCH)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.checkpoint)
    rows = read_jsonl(options.texts)
    if options.side == "tokenise":
        print(json.dumps(tokenise(tokenizer, rows)))
        return
    before = resident_bytes()
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(
        options.checkpoint,
        num_labels=2,
        id2label=dict(enumerate(LABELS)),
        label2id={n: i for i, n in enumerate(LABELS)},
    )
    arguments = Arguments(
        per_device_train_batch_size=options.batch,
        learning_rate=1e-4,
        num_train_epochs=1000,
        logging_steps=10**9,
        max_seq_length=options.max,
        loop="trainer" if options.side == "trainer" else "native",
    )
    watch = Stopwatch(options.seconds, WARM_UP, options.rows)
    loop = None
    if options.side == "recipe":
        recipe(model, tokenizer, rows, options.pad, watch)
        length = float(options.pad)
    else:
        if options.side == "native":
            loop = ours(arguments, model, tokenizer, rows, watch)
        else:
            by_trainer(arguments, model, tokenizer, rows, watch)
        length = watch.tokens / watch.samples
    peak = peak_bytes(before)
    achieved = flops(model, watch.tokens, length) / watch.elapsed
    precision = "no" if options.side == "recipe" else arguments.mixed_precision
    found = {
        "device": torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"CPU, {torch.get_num_threads()} threads",
        "samples": watch.samples,
        "tokens_per_sample": round(length, 2),
        "steps": watch.steps,
        "seconds": round(watch.elapsed, 3),
        "precision": precision,
        "tflops": round(achieved / 1e12, 4),
        "mfu": round(achieved / ceiling(device(), "bf16" if precision == "no" else precision), 4),
        "peak_bytes": peak,
        "memory_ratio": None,
        "profile": {},
    }
    if loop:
        found["memory_ratio"] = round(memory_ratio(model, loop), 3)
        found["profile"] = profile(loop)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
