"""Pre-train nunchi-mini on texts that corpus.py wrote, with the tokenizer that tokenizer.py wrote.

Stopped, it goes on from its last checkpoint when started again with the same arguments.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from torch import Tensor, nn

from arguments import parse
from contract import UserError
from pretraining import checkpoint, command, windows
from pretraining.electra import Electra, Losses, Shape
from pretraining.texts import sha256
from pretraining.tokenizer import MAX_LENGTH

_WARM_UP = 0.05
_LINE_SECONDS = 5.0


@dataclass
class Arguments:
    """Arguments of pretrain.py."""

    texts: list[str] = field(metadata={"help": "files that corpus.py wrote"})
    tokenizer: str = field(metadata={"help": "the folder that tokenizer.py wrote"})
    output: str = field(metadata={"help": "the folder to write the model to"})
    work: str = field(metadata={"help": "a folder for token ids and the checkpoint"})
    weights: list[float] | None = field(
        default=None,
        metadata={"help": "how often each file's tokens are seen, in proportion; by default equally often"},
    )
    max_steps: int | None = field(default=None, metadata={"help": "stop after so many steps"})
    max_seconds: float | None = field(
        default=None, metadata={"help": "stop after so much training, without reading and compiling"}
    )
    batch_size: int = field(default=128, metadata={"help": f"windows of {MAX_LENGTH} tokens a step"})
    learning_rate: float = field(default=1e-3, metadata={"help": "the highest, after the warm-up"})
    seed: int = field(default=7, metadata={"help": "of the weights, the order and the masks"})
    save_steps: int = field(default=1000, metadata={"help": "steps between two checkpoints"})
    compile: bool = field(default=False, metadata={"help": "compile the model, which pays on a GPU"})

    def __post_init__(self) -> None:
        """Refuse values that could not train."""
        if self.max_steps is None and self.max_seconds is None:
            raise UserError("give max_steps or max_seconds: when is it to stop?")
        self.weights = self.weights or [1.0] * len(self.texts)
        if len(self.weights) != len(self.texts):
            raise UserError(
                f"weights has {len(self.weights)} numbers for {len(self.texts)} texts: give one each"
            )
        positive = {
            name: getattr(self, name)
            for name in ("max_steps", "max_seconds", "batch_size", "learning_rate", "save_steps")
        } | {"weights": min(self.weights)}
        for name, value in positive.items():
            if value is not None and not value > 0:
                raise UserError(f"{name} {value} must be above 0")

    def shares(self) -> list[int]:
        """Return how many windows of each file are in a batch.

        Raises:
            UserError: the batch is too small to hold one of each.
        """
        assert self.weights is not None
        ends = np.rint(np.cumsum(self.weights) / sum(self.weights) * self.batch_size).astype(int)
        shares = [int(share) for share in np.diff(ends, prepend=0)]
        if min(shares) < 1:
            raise UserError(f"batch_size {self.batch_size} has no window for some of the texts: raise it")
        return shares


def learning_rate(done: float, highest: float) -> float:
    """Return the rate when the share `done` of the training is over: up in 5 % of it, then down to 0."""
    return highest * max(0.0, min(done / _WARM_UP, (1 - done) / (1 - _WARM_UP)))


def draw(sources: Sequence[Tensor], shares: Sequence[int]) -> Tensor:
    """Return a batch (windows, width) with so many random windows of each source."""
    return torch.cat(
        [
            source[torch.randint(len(source), (share,), device=source.device)]
            for source, share in zip(sources, shares, strict=True)
        ]
    ).long()


def make_optimizer(model: nn.Module, device: torch.device) -> torch.optim.AdamW:
    """Return AdamW, whose decay spares biases and normalisations."""
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        betas=(0.9, 0.98),
        eps=1e-6,
        fused=device.type == "cuda",
    )


class Training:
    """A model on its way."""

    def __init__(self, arguments: Arguments, shape: Shape, sources: Sequence[Tensor]) -> None:
        """Begin anew; `sources` are windows on the device to train on."""
        self.arguments = arguments
        self.sources = sources
        self.shares = arguments.shares()
        self.device = sources[0].device
        torch.manual_seed(arguments.seed)
        self.model = Electra(shape).to(self.device)
        self.optimizer = make_optimizer(self.model, self.device)
        self.forward: Callable[[Tensor], Losses] = self.model
        if arguments.compile:
            self.forward = torch.compile(self.model, dynamic=False)
        self.step = 0
        self.seconds = 0.0

    def done(self) -> float:
        """Return the share of the training that is over: by steps or by time, whichever is further."""
        steps, seconds = self.arguments.max_steps, self.arguments.max_seconds
        return max(
            self.step / steps if steps else 0.0,
            self.seconds / seconds if seconds else 0.0,
        )

    def update(self) -> Losses:
        """Learn from one batch; nothing here waits for the GPU."""
        # All that is random in a step depends on its number alone, so that a resumed run has the same.
        torch.manual_seed(self.arguments.seed * 1_000_003 + self.step)
        rate = learning_rate(self.done(), self.arguments.learning_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = draw(self.sources, self.shares)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            losses = self.forward(batch)
        self.optimizer.zero_grad()
        torch.autograd.backward(losses.loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return Losses(*(value.detach() for value in losses))

    def first_update(self) -> Losses:
        """Do an update, which compiles the model if that was asked for; where it cannot be, do without."""
        try:
            return self.update()
        except RuntimeError as error:
            if self.forward is self.model:
                raise
            print(f"[pretrain] goes on without compile: {str(error).strip()[:2000]}", flush=True)
            self.forward = self.model
            return self.update()

    def run(self, kept: Path, facts: dict[str, Any]) -> dict[str, float]:
        """Train to the end, with a checkpoint in the file `kept`, and return the last line's figures.

        Raises:
            UserError: the checkpoint there is not of a run with these facts, or the loss is not a number.
        """
        if state := checkpoint.restore(kept, facts, self.device):
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = state["step"], state["seconds"]
            print(f"[pretrain] resumes after step {self.step:,}", flush=True)
        figures: dict[str, float] = {}
        sums = torch.zeros(len(Losses._fields), device=self.device)
        begun = None
        said, said_step = time.monotonic(), self.step
        while self.done() < 1:
            losses = self.first_update() if begun is None else self.update()
            sums += torch.stack(losses)
            if begun is None:
                sums.tolist()  # waits for the GPU
                begun = time.monotonic() - self.seconds
            self.seconds = time.monotonic() - begun
            if time.monotonic() - said >= _LINE_SECONDS or self.done() >= 1:
                means = (sums / (self.step - said_step)).tolist()
                figures = dict(zip(Losses._fields, means, strict=True))
                self._say(figures, (self.step - said_step) / (time.monotonic() - said))
                sums.zero_()
                said, said_step = time.monotonic(), self.step
            if self.step % self.arguments.save_steps == 0:
                checkpoint.save(
                    kept,
                    {
                        "run": facts,
                        "model": self.model.state_dict(),
                        "optimizer": self.optimizer.state_dict(),
                        "step": self.step,
                        "seconds": self.seconds,
                    },
                )
        return figures

    def _say(self, figures: dict[str, float], steps_per_second: float) -> None:
        done = self.done()
        left = max(0.0, self.seconds / done - self.seconds) if done else 0.0
        print(
            f"[pretrain] step={self.step} "
            f"tokens_per_second={steps_per_second * self.arguments.batch_size * MAX_LENGTH:.0f} "
            + " ".join(f"{name}={value:.4f}" for name, value in figures.items())
            + f" learning_rate={learning_rate(done, self.arguments.learning_rate):.2e}"
            + f" seconds_left={left:.0f}",
            flush=True,
        )
        if not math.isfinite(figures["loss"]):
            raise UserError("the loss is not a number: lower learning_rate, and start anew")


def main(argv: Sequence[str] | None = None, shape: Shape | None = None) -> None:
    """Pre-train and write the folder; `shape` is the demo's model unless it is given."""
    arguments = parse(Arguments, argv)
    tokenizer, work = Path(arguments.tokenizer), Path(arguments.work)
    tokenizer_file = tokenizer / "tokenizer.json"
    if not tokenizer_file.is_file():
        raise UserError(f"{tokenizer} has no tokenizer.json: give a folder that tokenizer.py wrote")
    vocabulary = tokenizers.Tokenizer.from_file(str(tokenizer_file)).get_vocab_size()
    shape = shape or Shape(vocabulary)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    paths = [Path(path) for path in arguments.texts]
    packed = [windows.load(path, tokenizer_file, MAX_LENGTH, work) for path in paths]
    # All of it fits a GPU, where batches are then drawn without waiting for the CPU.
    sources = [torch.from_numpy(each.astype(np.int32)).to(device) for each in packed]
    facts = {
        "arguments": {
            name: value
            for name, value in asdict(arguments).items()
            if name not in ("work", "output", "compile")
        },
        "sha256": {path.name: sha256(path) for path in (*paths, tokenizer_file)},
        "shape": asdict(shape),
    }
    training = Training(arguments, shape, sources)
    figures = training.run(work / "checkpoint.pt", facts)
    report = facts | {
        "steps": training.step,
        "tokens": training.step * arguments.batch_size * MAX_LENGTH,
        "seconds": round(training.seconds, 1),
        "last": {name: round(value, 4) for name, value in figures.items()},
        **checkpoint.machine(),
    }
    checkpoint.export(training.model.discriminator, shape, tokenizer, report, Path(arguments.output))
    print(f"[pretrain] {training.step:,} steps in {training.seconds:.0f} s: {arguments.output}", flush=True)


if __name__ == "__main__":
    command(main)
