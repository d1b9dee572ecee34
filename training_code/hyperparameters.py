"""The arguments of train.py: a training job's hyperparameters, by the names that transformers uses.

The state machine, a run without any cloud, and the tests all make this one object.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

import torch

from contract import UserError
from precision import MixedPrecision, choose

_ABOVE_0 = (
    "num_train_epochs",
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
    "learning_rate",
    "max_grad_norm",
    "max_seq_length",
    "logging_steps",
    "train_subset",
)


@dataclass
class Arguments:
    """How to fine-tune which checkpoint."""

    model_name_or_path: str = field(
        default="monologg/koelectra-small-v3-discriminator",
        metadata={"help": "checkpoint on the Hugging Face Hub; not used when there is a model channel"},
    )
    model_revision: str = field(default="main", metadata={"help": "branch, tag or commit of the checkpoint"})
    loop: Literal["native", "trainer"] = field(
        default="native",
        metadata={"help": "`native`: PyTorch on accelerate, the fast one; `trainer`: transformers' Trainer"},
    )
    num_train_epochs: float = field(default=3.0, metadata={"help": "passes over the train channel"})
    per_device_train_batch_size: int = field(default=32, metadata={"help": "texts at a time, on each GPU"})
    per_device_eval_batch_size: int = field(default=64, metadata={"help": "texts a validation step"})
    gradient_accumulation_steps: int = field(
        default=1, metadata={"help": "batches whose gradients one optimiser step adds up"}
    )
    gradient_checkpointing: bool = field(
        default=False, metadata={"help": "compute activations again in place of keeping them: less memory"}
    )
    learning_rate: float = field(
        default=5e-5,
        metadata={
            "help": "the highest, after the warm-up, of one process; several take it times the square root "
            "of their number"
        },
    )
    weight_decay: float = field(default=0.01, metadata={"help": "AdamW's"})
    max_grad_norm: float = field(default=1.0, metadata={"help": "norm that a gradient is cut to"})
    warmup_ratio: float = field(default=0.1, metadata={"help": "part of the steps that warms up, 0 to 1"})
    early_stopping_patience: int = field(
        default=0,
        metadata={"help": "epochs without a better validation after which training ends; 0: it never does"},
    )
    max_seq_length: int = field(
        default=128,
        metadata={"help": "tokens that a longer text is cut to; shorter ones are not padded to it"},
    )
    train_subset: float = field(
        default=1.0,
        metadata={"help": "part of the train channel (up to 1) or its rows (above 1), by label, for a try"},
    )
    seed: int = field(default=42, metadata={"help": "of the new layers, the order and the dropout"})
    logging_steps: int = field(default=50, metadata={"help": "steps between two lines of training loss"})
    fp16: bool | None = field(
        default=None,
        metadata={"help": "float16 on a GPU; by default where it has no bfloat16, `False` switches it off"},
    )
    bf16: bool | None = field(
        default=None,
        metadata={"help": "bfloat16; by default where the device has it, `False` switches it off"},
    )
    torch_compile: bool = field(
        default=False,
        metadata={"help": "compile the model first: takes minutes, which a long training may earn back"},
    )

    def __post_init__(self) -> None:
        """Refuse values that could not train."""
        for name in _ABOVE_0:
            if not getattr(self, name) > 0:
                raise UserError(f"{name} {getattr(self, name)} must be above 0")
        if not 0 <= self.warmup_ratio <= 1:
            raise UserError(f"warmup_ratio {self.warmup_ratio} must lie between 0 and 1")
        if self.early_stopping_patience < 0:
            raise UserError(f"early_stopping_patience {self.early_stopping_patience} must not be below 0")
        if self.train_subset > 1 and self.train_subset != int(self.train_subset):
            raise UserError(f"train_subset {self.train_subset} must be a whole number of rows, or at most 1")
        choose(self.fp16, self.bf16)

    @property
    def mixed_precision(self) -> MixedPrecision:
        """What the matrix products are computed in."""
        return choose(self.fp16, self.bf16)

    def effective_batch_size(self, processes: int) -> int:
        """Texts that one optimiser step learns from."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps * processes

    def scaled_learning_rate(self, processes: int) -> float:
        """The highest learning rate of `processes` processes.

        Adam's step does not grow with the batch while its noise shrinks by the batch's square root, so the
        rate may grow by the square root: https://arxiv.org/abs/2205.10287
        """
        return self.learning_rate * math.sqrt(processes)


def device() -> torch.device:
    """Return what this process trains on."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
