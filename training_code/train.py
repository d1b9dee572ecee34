"""Training job: fine-tune a checkpoint on the train channel, keep the epoch that validates best.

in:  channels train and validation (what prepare.py wrote), and optionally model: a checkpoint's folder, in
     place of one from the Hub; checkpoints/, if the job keeps them: what an earlier, interrupted start left
out: SM_MODEL_DIR: weights, tokenizer and code/inference.py; SM_OUTPUT_DATA_DIR/training.json
"""

import json
import math
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import accelerate
import torch
import transformers
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from arguments import parse
from checkpoints import Checkpoints, best, newest_complete, read_state
from contract import UserError, base_dir, inference_code_dir, run
from rows import Row, read_jsonl


@dataclass
class Arguments:
    """Arguments of train.py: a training job's hyperparameters, by the names that transformers uses."""

    model_name_or_path: str = field(
        default="monologg/koelectra-small-v3-discriminator",
        metadata={"help": "checkpoint on the Hugging Face Hub; not used when there is a model channel"},
    )
    model_revision: str = field(default="main", metadata={"help": "branch, tag or commit of the checkpoint"})
    num_train_epochs: float = field(default=3.0, metadata={"help": "passes over the train channel"})
    per_device_train_batch_size: int = field(default=32, metadata={"help": "texts a step, on each GPU"})
    per_device_eval_batch_size: int = field(default=64, metadata={"help": "texts a validation step"})
    learning_rate: float = field(default=5e-5, metadata={"help": "the highest, after the warm-up"})
    weight_decay: float = field(default=0.01, metadata={"help": "AdamW's"})
    warmup_ratio: float = field(default=0.1, metadata={"help": "part of the steps that warms up, 0 to 1"})
    max_seq_length: int = field(
        default=128,
        metadata={"help": "tokens that a longer text is cut to; shorter ones are not padded to it"},
    )
    seed: int = field(default=42, metadata={"help": "of the new layers, the order and the dropout"})
    logging_steps: int = field(default=50, metadata={"help": "steps between two lines of training loss"})
    fp16: bool | None = field(
        default=None,
        metadata={"help": "mixed precision; by default on a GPU unless bf16, `False` switches it off"},
    )
    bf16: bool = field(
        default=False,
        metadata={"help": "train in bfloat16 on a GPU from Ampere on, in place of fp16"},
    )

    def __post_init__(self) -> None:
        """Refuse values that could not train."""
        for name in (
            "num_train_epochs",
            "per_device_train_batch_size",
            "per_device_eval_batch_size",
            "learning_rate",
            "max_seq_length",
            "logging_steps",
        ):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} {getattr(self, name)} must be above 0")
        if not 0 <= self.warmup_ratio <= 1:
            raise UserError(f"warmup_ratio {self.warmup_ratio} must lie between 0 and 1")
        if self.fp16 is None:
            self.fp16 = torch.cuda.is_available() and not self.bf16
        if self.fp16 and self.bf16:
            raise UserError("fp16 and bf16 are both True: leave one of them out, or set it to False")
        for name in ("fp16", "bf16"):
            if getattr(self, name) and not torch.cuda.is_available():
                raise UserError(f"{name} needs a GPU, and there is none: leave it out, or set it to False")
        # PyTorch emulates bfloat16 on older GPUs, which gains nothing.
        if self.bf16 and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise UserError(
                f"bf16 needs a GPU from Ampere on, and {torch.cuda.get_device_name()} is older: "
                "leave it out, or set it to False"
            )


def channel(name: str) -> Path | None:
    """Return the folder of an input channel, or None if the job has no such channel."""
    folder = Path(os.environ.get(f"SM_CHANNEL_{name.upper()}", base_dir() / "input" / "data" / name))
    return folder if folder.is_dir() else None


def read_channel(name: str) -> list[Row]:
    """Return the rows of a channel's file.

    Raises:
        UserError: there is no such channel, or no rows in it.
    """
    folder = channel(name)
    if folder is None:
        raise UserError(f"there is no {name} channel: it must hold {name}.jsonl as prepare.py writes it")
    return read_jsonl(folder / f"{name}.jsonl")


def load(arguments: Arguments, labels: list[str]) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, str]:
    """Return the base checkpoint with a head for `labels`, its tokenizer, and where they came from.

    Raises:
        UserError: there is no such checkpoint, or max_seq_length is more than it takes.
    """
    folder = channel("model")
    if folder and not (folder / "config.json").is_file():
        raise UserError(
            f"the model channel ({folder}) has no config.json at its top: it must be a checkpoint's folder"
        )
    base = str(folder) if folder else arguments.model_name_or_path
    source: dict[str, Any] = {"local_files_only": True} if folder else {"revision": arguments.model_revision}
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, **source)
        config = AutoConfig.from_pretrained(base, **source)
        # transformers 5 makes one up where there is none.
        if len(tokenizer) <= len(tokenizer.all_special_tokens):
            raise OSError("it has no tokenizer")
    except OSError as error:
        raise UserError(
            f"cannot load a checkpoint from {base}: {str(error).splitlines()[0]}; "
            "give another model_name_or_path or model_revision, or a model channel"
        ) from error
    longest = min(tokenizer.model_max_length, config.max_position_embeddings)
    if arguments.max_seq_length > longest:
        raise UserError(
            f"max_seq_length {arguments.max_seq_length} is more than {base} takes: at most {longest}"
        )
    loaded = AutoModelForSequenceClassification.from_pretrained(
        base,
        **source,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        # Weights may be kept in half precision; the optimiser's must not be.
        torch_dtype=torch.float32,
    )
    # transformers 5 saves a model that it loaded with names that its Trainer does not read back
    # (LayerNorm.gamma), and one that was made here with the model's own.
    model = type(loaded)(loaded.config)
    model.load_state_dict(loaded.state_dict())
    return model, tokenizer, "model channel" if folder else f"{base}@{arguments.model_revision}"


def encode(
    rows: Sequence[Row], label2id: dict[str, int], tokenizer: PreTrainedTokenizerBase, max_seq_length: int
) -> list[dict[str, Any]]:
    """Return the rows as the model's inputs, cut to `max_seq_length` tokens and not padded."""
    encoded = tokenizer([row.text for row in rows], truncation=True, max_length=max_seq_length)
    return [
        {name: values[index] for name, values in encoded.items()} | {"labels": label2id[row.label]}
        for index, row in enumerate(rows)
    ]


def accuracy(evaluated: EvalPrediction) -> dict[str, float]:
    """Return the part of the rows that the model gets right."""
    return {"accuracy": float((evaluated.predictions.argmax(axis=-1) == evaluated.label_ids).mean())}


class MetricLines(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Prints the lines that the training job's metric definitions look for."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **kwargs: object,
    ) -> None:
        """Print one line of training or validation metrics."""
        if "eval_loss" in logs:
            line = (
                f"[validation] epoch={logs['epoch']:.2f} loss={logs['eval_loss']:.4f} "
                f"accuracy={logs['eval_accuracy']:.4f}"
            )
        elif "loss" in logs:
            line = (
                f"[train] step={state.global_step} epoch={logs['epoch']:.2f} loss={logs['loss']:.4f} "
                f"learning_rate={logs['learning_rate']:.3g}"
            )
        else:
            return
        print(line, flush=True)
        if not math.isfinite(logs.get("eval_loss", 0)):
            raise UserError("the validation loss is not a number: lower learning_rate, or set fp16 to False")


def train(
    arguments: Arguments,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train_dataset: list[dict[str, Any]],
    eval_dataset: list[dict[str, Any]],
) -> Trainer:
    """Fine-tune `model`, which afterwards has the weights of the epoch with the best validation accuracy.

    A job that keeps checkpoints has a folder for them; what an interrupted start left there is gone on from.
    """
    # The Trainer uses every GPU that it sees.
    batch_size = arguments.per_device_train_batch_size * max(1, torch.cuda.device_count())
    steps = math.ceil(arguments.num_train_epochs * math.ceil(len(train_dataset) / batch_size))
    # Texts of one length share a batch, so that padding is little; transformers 5 has another name for it.
    renamed = hasattr(TrainingArguments, "train_sampling_strategy")
    grouped = {"train_sampling_strategy": "group_by_length"} if renamed else {"group_by_length": True}
    kept = base_dir() / "checkpoints"
    with tempfile.TemporaryDirectory() as temporary:
        folder = kept if kept.is_dir() else Path(temporary)
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=str(folder),
                num_train_epochs=arguments.num_train_epochs,
                per_device_train_batch_size=arguments.per_device_train_batch_size,
                per_device_eval_batch_size=arguments.per_device_eval_batch_size,
                learning_rate=arguments.learning_rate,
                weight_decay=arguments.weight_decay,
                # transformers 5 takes no ratio of 1.
                warmup_steps=math.ceil(arguments.warmup_ratio * steps),
                seed=arguments.seed,
                fp16=bool(arguments.fp16),
                bf16=arguments.bf16,
                logging_steps=arguments.logging_steps,
                logging_nan_inf_filter=False,
                **grouped,
                eval_strategy="epoch",
                save_strategy="epoch",
                # What is deleted here SageMaker deletes in S3, where the newest may not have arrived yet: one
                # before it, the best or the last but one, must outlive it.
                save_total_limit=2,
                save_only_model=folder != kept,
                load_best_model_at_end=True,
                metric_for_best_model="accuracy",
                dataloader_pin_memory=torch.cuda.is_available(),
                disable_tqdm=not sys.stdout.isatty(),
                report_to=[],
            ),
            data_collator=DataCollatorWithPadding(tokenizer),
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            compute_metrics=accuracy,
            callbacks=[MetricLines, Checkpoints],
        )
        trainer.remove_callback(PrinterCallback)
        last = newest_complete(folder)
        if last:
            print(f"[setup] resumes from {last.name}", flush=True)
        state = read_state(last) if last else None
        if last and state and state.global_step >= state.max_steps:
            # All is trained. The Trainer would train a step more where the last epoch is part of one.
            trainer.state = state
            model.load_state_dict(type(model).from_pretrained(best(last)).state_dict())
        else:
            trainer.train(resume_from_checkpoint=str(last) if last else None)
    return trainer


def save(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_seq_length: int, folder: Path
) -> None:
    """Write what becomes the model archive: weights, tokenizer, and the code that serves them."""
    model.save_pretrained(folder)
    # What the model was trained with is what it is served with; and what the tokenizer did here (cut, pad) is
    # no property of it: https://github.com/huggingface/tokenizers/issues/1322
    tokenizer.model_max_length = max_seq_length
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.no_padding()
        tokenizer.backend_tokenizer.no_truncation()
    tokenizer.save_pretrained(folder)
    code = folder / "code"
    code.mkdir(exist_ok=True)
    for path in sorted(inference_code_dir().iterdir()):
        if path.is_file():
            shutil.copyfile(path, code / path.name)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job."""
    arguments = parse(Arguments, argv)
    train_rows, validation_rows = read_channel("train"), read_channel("validation")
    labels = sorted({row.label for row in train_rows})
    if len(labels) < 2:
        raise UserError(f"the train channel has one label only ({labels[0]}): there is nothing to tell apart")
    if unknown := sorted({row.label for row in validation_rows} - set(labels)):
        raise UserError(
            f"the validation channel has labels that the train channel lacks: {', '.join(unknown)}"
        )
    transformers.logging.disable_progress_bar()
    transformers.set_seed(arguments.seed)
    model, tokenizer, base = load(arguments, labels)
    print(
        f"[setup] base={base} train={len(train_rows)} validation={len(validation_rows)} "
        f"labels={','.join(labels)} device={'cuda' if torch.cuda.is_available() else 'cpu'}",
        flush=True,
    )
    datasets = [
        encode(rows, model.config.label2id, tokenizer, arguments.max_seq_length)
        for rows in (train_rows, validation_rows)
    ]
    trainer = train(arguments, model, tokenizer, *datasets)
    folder = Path(os.environ.get("SM_MODEL_DIR", base_dir() / "model"))
    save(model, tokenizer, arguments.max_seq_length, folder)
    report(arguments, trainer, base, {"train": len(train_rows), "validation": len(validation_rows)})


def report(arguments: Arguments, trainer: Trainer, base: str, rows: dict[str, int]) -> None:
    """Write training.json: what was trained on what, how well, how fast, with which versions."""
    history = trainer.state.log_history
    epochs = [
        {"epoch": entry["epoch"], "loss": entry["eval_loss"], "accuracy": entry["eval_accuracy"]}
        for entry in history
        if "eval_loss" in entry
    ]
    seconds = max(entry["train_seconds"] for entry in history if "train_seconds" in entry)
    written = {
        "base": base,
        "arguments": asdict(arguments),
        "rows": rows,
        "validation": epochs,
        "best": max(epochs, key=lambda epoch: epoch["accuracy"]),
        "seed": arguments.seed,
        "throughput": {
            "train_seconds": round(seconds, 3),
            "train_samples_per_second": round(rows["train"] * arguments.num_train_epochs / seconds, 3),
        },
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


if __name__ == "__main__":
    run(main, reason_file="failure")
