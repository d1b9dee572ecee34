"""Training job: fine-tune a checkpoint on the train channel, keep the epoch that validates best.

in:  channels train and validation (what prepare.py wrote), and optionally model: a checkpoint's folder, in
     place of one from the Hub; checkpoints/, if the job keeps them: what an earlier, interrupted start left
out: SM_MODEL_DIR: weights, tokenizer and code/inference.py; SM_OUTPUT_DATA_DIR/training.json
Several processes, as `torchrun` starts them on one machine or more, train one model together.
"""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import accelerate
import torch
import transformers
from accelerate import PartialState
from transformers import TrainerState

import tracking
import trainer_loop
from arguments import parse
from base_checkpoint import load, save
from clock import Clock
from contract import UserError, base_dir, inference_code_dir, run
from encoding import encode
from hyperparameters import Arguments, device
from native_loop import Data, NativeLoop
from reporting import Reporter
from rows import Row, read_jsonl
from subset import subset
from task import label_names, problem_type


def channel(name: str) -> Path | None:
    """Return the folder of an input channel, or None if the job has no such channel."""
    folder = Path(os.environ.get(f"SM_CHANNEL_{name.upper()}", base_dir() / "input" / "data" / name))
    return folder if folder.is_dir() else None


def channel_file(name: str) -> Path:
    """Return the file of a channel that prepare.py filled.

    Raises:
        UserError: there is no such channel.
    """
    folder = channel(name)
    if folder is None:
        raise UserError(f"there is no {name} channel: it must hold {name}.jsonl as prepare.py writes it")
    return folder / f"{name}.jsonl"


def read_rows(arguments: Arguments) -> tuple[list[Row], list[Row], list[str]]:
    """Return the rows to train on, those to validate on, and the names of their labels.

    Raises:
        UserError: there is nothing to tell apart, or to validate it by.
    """
    train, validation = (read_jsonl(channel_file(name)) for name in ("train", "validation"))
    labels = label_names(train)
    kinds = [(problem_type(rows), rows[0].text_pair is None) for rows in (train, validation)]
    if kinds[0] != kinds[1]:
        raise UserError("the train and the validation channel are of two kinds: prepare both in one run")
    if len(labels) < 2:
        raise UserError(
            f"the train channel has one label only ({''.join(labels)}): there is nothing to tell apart"
        )
    if unknown := sorted(set(label_names(validation)) - set(labels)):
        raise UserError(
            f"the validation channel has labels that the train channel lacks: {', '.join(unknown)}"
        )
    return subset(train, arguments.train_subset, arguments.seed), validation, labels


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job."""
    arguments = parse(Arguments, argv)
    train_rows, validation_rows, labels = read_rows(arguments)
    # Without this accelerate takes each of several processes without a GPU for the only one.
    processes = PartialState(cpu=device().type == "cpu")
    transformers.logging.disable_progress_bar()
    transformers.set_seed(arguments.seed)
    model, tokenizer, base = load(arguments, channel("model"), labels, problem_type(train_rows))
    if processes.is_main_process:
        print(
            f"[setup] base={base} train={len(train_rows)} validation={len(validation_rows)} "
            f"labels={','.join(labels)} device={device().type} precision={arguments.mixed_precision} "
            f"processes={processes.num_processes} "
            f"effective_batch_size={arguments.effective_batch_size(processes.num_processes)} "
            f"learning_rate={arguments.scaled_learning_rate(processes.num_processes):g}",
            flush=True,
        )
    clock = Clock(device())
    # The first of a machine's processes tokenises, and the others find it in the cache.
    with processes.local_main_process_first(), clock.part("tokenise"):
        encoded = [
            encode(rows, model.config.label2id, tokenizer, arguments.max_seq_length)
            for rows in (train_rows, validation_rows)
        ]
    kept = base_dir() / "checkpoints"
    with (
        tracking.run(asdict(arguments), main_process=processes.is_main_process) as log,
        tempfile.TemporaryDirectory() as temporary,
    ):
        reporter = Reporter(log)
        resumable = kept.is_dir()
        folder = kept if resumable else Path(temporary)
        data = Data(encoded[0], encoded[1], tokenizer)
        if arguments.loop == "trainer":
            state = trainer_loop.train(arguments, model, data, folder, reporter, resumable=resumable)
        else:
            loop = NativeLoop(arguments, model, data, folder, reporter, clock, resumable=resumable)
            state = loop.train()
    if processes.is_main_process:
        save(
            model,
            tokenizer,
            arguments.max_seq_length,
            Path(os.environ.get("SM_MODEL_DIR", base_dir() / "model")),
        )
        rows = {"train": len(train_rows), "validation": len(validation_rows)}
        report(arguments, state, base, rows, clock)


def report(arguments: Arguments, state: TrainerState, base: str, rows: dict[str, int], clock: Clock) -> None:
    """Write training.json: what was trained on what, how well, how fast, with which versions."""
    history = [entry for entry in state.log_history if "eval_loss" in entry]
    epochs = [
        {"epoch": entry["epoch"], "loss": entry["eval_loss"], "accuracy": entry["eval_accuracy"]}
        for entry in history
    ]
    seconds = max(entry["train_seconds"] for entry in history)
    processes = PartialState().num_processes
    written: dict[str, Any] = {
        "base": base,
        "arguments": asdict(arguments),
        "rows": rows,
        "data": {name: _digest([channel_file(name)]) for name in ("train", "validation")},
        "code": _digest([*Path(__file__).parent.glob("*.py"), *inference_code_dir().glob("*.py")]),
        "validation": epochs,
        "best": max(epochs, key=lambda epoch: epoch["accuracy"]),
        "seed": arguments.seed,
        "precision": arguments.mixed_precision,
        "processes": processes,
        "effective_batch_size": arguments.effective_batch_size(processes),
        "throughput": {
            "train_seconds": round(seconds, 3),
            "train_samples_per_second": round(rows["train"] * state.epoch / seconds, 3),
        },
        "seconds": history[-1].get("seconds", clock.seconds),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "accelerate": accelerate.__version__,
        },
    }
    folder = Path(os.environ.get("SM_OUTPUT_DATA_DIR", base_dir() / "output" / "data"))
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(written, ensure_ascii=False, indent=2)
    (folder / "training.json").write_text(text + "\n", encoding="utf-8")


def _digest(paths: Sequence[Path]) -> str:
    """Of the files' names and contents."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    run(main, reason_file="failure")
