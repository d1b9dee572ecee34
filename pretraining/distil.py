"""Have a pre-trained student learn the answers of a fine-tuned teacher on texts that nobody labelled.

The student's encoder is what is kept: a base checkpoint again, in the place of the one that it was.
https://arxiv.org/abs/1503.02531
"""

import json
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch.nn.functional import kl_div, log_softmax, softmax
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    get_linear_schedule_with_warmup,
)

from arguments import parse
from batches import Inputs, order
from bfloat16 import ComputingCopy
from contract import UserError
from encoding import encode
from hyperparameters import device
from precision import choose
from pretraining import command
from pretraining.checkpoint import machine
from pretraining.texts import read_lines, sha256
from rows import Row

_TEMPERATURE = 2.0
_TEACHER_BATCH = 64
_LINE_SECONDS = 5.0
_SEED = 7


@dataclass
class Arguments:
    """Arguments of distil.py."""

    texts: str = field(metadata={"help": "a file that corpus.py wrote"})
    teacher: str = field(metadata={"help": "a model's folder that train.py wrote"})
    student: str = field(metadata={"help": "the folder that pretrain.py wrote"})
    output: str = field(metadata={"help": "the folder to write the student to"})
    num_train_epochs: float = field(default=2.0, metadata={"help": "passes over the texts"})
    batch_size: int = field(default=256, metadata={"help": "texts a step"})
    learning_rate: float = field(default=5e-4, metadata={"help": "the highest, after the warm-up"})
    max_seq_length: int = field(default=128, metadata={"help": "tokens that a longer text is cut to"})

    def __post_init__(self) -> None:
        """Refuse values that could not train."""
        for name in ("num_train_epochs", "batch_size", "learning_rate", "max_seq_length"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} {getattr(self, name)} must be above 0")


def inputs_of(folder: str, model: PreTrainedModel, texts: Sequence[str], max_seq_length: int) -> Inputs:
    """Return the texts as the model of this folder takes them."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = encode([Row(text, ("",)) for text in texts], {"": 0}, tokenizer, max_seq_length)
    return Inputs(encoded, model.config, tokenizer, device())


def answers(teacher: PreTrainedModel, inputs: Inputs) -> torch.Tensor:
    """Return the teacher's logits of every text: shape (texts, labels)."""
    found = torch.zeros(len(inputs), teacher.config.num_labels, device=device())
    teacher.eval()
    done, said = 0, time.monotonic()
    with torch.inference_mode():
        for rows in inputs.in_order_of_length(_TEACHER_BATCH):
            batch = inputs.batch(rows)
            del batch["labels"]
            found[torch.from_numpy(rows).to(device())] = teacher(**batch).logits.float()
            done += len(rows)
            if time.monotonic() - said >= _LINE_SECONDS or done == len(inputs):
                said = time.monotonic()
                print(f"[distil] the teacher has answered {done:,} of {len(inputs):,} texts", flush=True)
    return found.clone()


def distil(
    arguments: Arguments,
    student: PreTrainedModel,
    inputs: Inputs,
    wanted: torch.Tensor,
    bfloat16: ComputingCopy | None,
) -> dict[str, float]:
    """Teach the student to answer as wanted; returns the steps, their seconds, and their mean loss."""
    epoch_steps = math.ceil(len(inputs) / arguments.batch_size)
    steps = math.ceil(arguments.num_train_epochs * epoch_steps)
    optimizer = torch.optim.AdamW(
        student.parameters(), lr=arguments.learning_rate, weight_decay=0.01, fused=True
    )
    schedule = get_linear_schedule_with_warmup(optimizer, math.ceil(steps / 20), steps)
    targets = softmax(wanted / _TEMPERATURE, dim=-1)
    total = torch.zeros((), device=device())
    computing = bfloat16.model if bfloat16 else student
    computing.train()
    began = said = time.monotonic()
    for step in range(steps):
        epoch, place = divmod(step, epoch_steps)
        if place == 0:
            of_epoch = order(inputs.lengths, arguments.batch_size, _SEED, epoch)
        rows = of_epoch[place]
        batch = inputs.batch(rows)
        del batch["labels"]
        logits = computing(**batch).logits.float()
        target = targets[torch.from_numpy(rows).to(device(), non_blocking=True)]
        loss = kl_div(log_softmax(logits / _TEMPERATURE, dim=-1), target, reduction="batchmean")
        optimizer.zero_grad()
        torch.autograd.backward(loss * _TEMPERATURE**2)
        if bfloat16:
            bfloat16.give_gradients()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        if bfloat16:
            bfloat16.take_weights()
        schedule.step()
        total += loss.detach()
        if time.monotonic() - said >= _LINE_SECONDS or step == steps - 1:
            said = time.monotonic()
            left = (said - began) / (step + 1) * (steps - step - 1)
            print(
                f"[distil] step={step + 1}/{steps} mean_loss={total.item() / (step + 1):.4f} "
                f"seconds_left={left:.0f}",
                flush=True,
            )
    return {
        "steps": steps,
        "seconds": round(time.monotonic() - began, 1),
        "mean_loss": round(total.item() / steps, 4),
    }


def report(arguments: Arguments, figures: dict[str, float]) -> dict[str, Any]:
    """Return what was done: the arguments, digests of what was read, what came out, versions."""
    weights = {
        name: Path(folder) / "model.safetensors"
        for name, folder in (("teacher", arguments.teacher), ("student", arguments.student))
    }
    read = {"texts": Path(arguments.texts), **weights}
    return {
        "arguments": {name: value for name, value in asdict(arguments).items() if name != "output"},
        "sha256": {name: sha256(path) for name, path in read.items()},
        **figures,
        **machine(),
    }


def export(student: PreTrainedModel, source: Path, output: Path, facts: dict[str, Any]) -> None:
    """Write a base checkpoint like the source's, in half precision: its encoder and the student's, averaged.

    The mean has nearly all that the student learnt of the teacher's task, and what the source knew for
    others: https://arxiv.org/abs/2109.01903 (weight-space ensembles). The facts go to distillation.json.
    """
    output.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file():
            shutil.copyfile(path, output / path.name)
    learnt = {
        f"electra.{name}": value.half().cpu() for name, value in student.base_model.state_dict().items()
    }
    weights = {
        name: ((value.float() + learnt[name].float()) / 2).half()
        for name, value in safetensors.torch.load_file(source / "model.safetensors").items()
        if name in learnt
    }
    (output / "model.safetensors").write_bytes(safetensors.torch.save(weights, metadata={"format": "pt"}))
    (output / "distillation.json").write_text(
        json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    # What told replaced tokens apart belongs to the encoder that was.
    config = json.loads((source / "config.json").read_text(encoding="utf-8")) | {
        "architectures": ["ElectraModel"]
    }
    (output / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    """Distil."""
    arguments = parse(Arguments, argv)
    texts = list(read_lines(Path(arguments.texts)))
    precision = torch.bfloat16 if choose(False, None) == "bf16" else torch.float32
    torch.manual_seed(_SEED)
    teacher = AutoModelForSequenceClassification.from_pretrained(arguments.teacher)
    teacher = teacher.to(device(), precision)
    student = AutoModelForSequenceClassification.from_pretrained(
        arguments.student, num_labels=teacher.config.num_labels
    )
    # transformers 5 loads weights in the precision that they are kept in, and optimisers need more.
    student = student.float().to(device())
    wanted = answers(teacher, inputs_of(arguments.teacher, teacher, texts, arguments.max_seq_length))
    inputs = inputs_of(arguments.student, student, texts, arguments.max_seq_length)
    bfloat16 = ComputingCopy(student) if precision is torch.bfloat16 else None
    figures = distil(arguments, student, inputs, wanted, bfloat16)
    export(student, Path(arguments.student), Path(arguments.output), report(arguments, figures))


if __name__ == "__main__":
    command(main)
