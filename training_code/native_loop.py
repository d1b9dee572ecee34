"""The fast way to train: a loop of PyTorch's own on accelerate.

One step learns from one effective batch, whatever the number of processes and of batches that it is cut into:
the gradient is that of the mean loss of its rows. Nothing in a step waits for the device.
"""

import contextlib
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DynamoBackend, TorchDynamoPlugin, gather_object
from tqdm import tqdm
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainerState,
    get_linear_schedule_with_warmup,
)

import checkpoints
from batches import Inputs, order, shares
from bfloat16 import ComputingCopy
from clock import Clock
from encoding import Encoded, Integers
from hyperparameters import Arguments
from objective import losses, right
from reporting import Reporter


@dataclass(frozen=True)
class Data:
    """What a loop learns from, and what it chooses the epoch by."""

    train: Encoded
    validation: Encoded
    tokenizer: PreTrainedTokenizerBase


class NativeLoop:
    """A training: its model, how far it is, and what it takes to go on."""

    def __init__(
        self,
        arguments: Arguments,
        model: PreTrainedModel,
        data: Data,
        folder: Path,
        reporter: Reporter,
        clock: Clock,
        *,
        resumable: bool,
    ) -> None:
        """Set all up; checkpoints are written to `folder`, with what it takes to resume if `resumable`."""
        self._accelerator = Accelerator(
            mixed_precision="fp16" if arguments.mixed_precision == "fp16" else "no",
            dynamo_plugin=TorchDynamoPlugin(backend=DynamoBackend.INDUCTOR, dynamic=True)
            if arguments.torch_compile
            else None,
        )
        self._arguments = arguments
        self._folder = folder
        self._resumable = resumable
        self._reporter = reporter
        self._clock = clock
        device = self._accelerator.device
        self._train = Inputs(data.train, model.config, data.tokenizer, device)
        self._validation = Inputs(data.validation, model.config, data.tokenizer, device)
        self._batch_size = arguments.effective_batch_size(self._accelerator.num_processes)
        self._epoch_steps = math.ceil(len(self._train) / self._batch_size)
        self.state = TrainerState(max_steps=math.ceil(arguments.num_train_epochs * self._epoch_steps))
        self._raw = model
        if arguments.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.to(device)
        self._copy = ComputingCopy(model) if arguments.mixed_precision == "bf16" else None
        self._computing = self._copy.model if self._copy else model
        self._model = self._accelerator.prepare_model(self._computing)
        self._optimizer, self._scheduler = self._optimise()
        self._loss = torch.zeros((), device=device)
        # Dropout differs between processes; what else is random is the same in all.
        torch.manual_seed(arguments.seed + self._accelerator.process_index)

    def train(self) -> TrainerState:
        """Train to the end, after which the model has the weights of the epoch that validates best."""
        started = time.monotonic() - self._resume()
        state, accelerator = self.state, self._accelerator
        bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            unit="step",
            disable=not (sys.stdout.isatty() and accelerator.is_main_process),
        )
        # An interruption falls between two epochs, or what came after the last one is done again.
        while state.global_step < state.max_steps and not self._enough():
            epoch, done = divmod(state.global_step, self._epoch_steps)
            self._model.train()
            steps = order(self._train.lengths, self._batch_size, self._arguments.seed, epoch)
            for rows in steps[done : done + state.max_steps - state.global_step]:
                self.step(rows)
                bar.update()
                if state.global_step % self._arguments.logging_steps == 0:
                    self._tell()
            with self._clock.part("evaluation"):
                found = self.evaluate()
            self._record(found, time.monotonic() - started)
            with self._clock.part("saving"):
                self._save()
        bar.close()
        # The others have no checkpoint of their own, and save no model.
        if accelerator.is_main_process:
            best = Path(state.best_model_checkpoint)
            self._raw.load_state_dict(type(self._raw).from_pretrained(best).state_dict())
        return state

    def step(self, rows: Integers) -> None:
        """Learn from these rows, of the whole effective batch."""
        accelerator, clock = self._accelerator, self._clock
        parts = list(shares(rows, accelerator.num_processes, self._arguments.gradient_accumulation_steps))
        for part in parts:
            mine = part[accelerator.process_index]
            with clock.part("input"):
                # Every process takes part in every batch, with a row of no weight if it has none.
                inputs = self._train.batch(mine if len(mine) else rows[:1])
                labels = inputs.pop("labels")
            alone = part is not parts[-1]
            with accelerator.no_sync(self._model) if alone else contextlib.nullcontext():
                with clock.part("forward"):
                    each = losses(self._model(**inputs).logits, labels)
                    loss = each.sum() / len(rows) if len(mine) else each.sum() * 0
                with clock.part("backward"):
                    # Of the processes' gradients the mean is taken, and the sum is wanted.
                    accelerator.backward(loss * accelerator.num_processes)
            self._loss += loss.detach()
        with clock.part("update"):
            if self._copy:
                self._copy.give_gradients()
            accelerator.clip_grad_norm_(self._raw.parameters(), self._arguments.max_grad_norm)
            self._optimizer.step()
            if not accelerator.optimizer_step_was_skipped:
                self._scheduler.step()
            self._optimizer.zero_grad()
            if self._copy:
                self._copy.take_weights()
        self.state.global_step += 1
        self.state.epoch = self.state.global_step / self._epoch_steps

    def evaluate(self) -> dict[str, float]:
        """Return the loss and the accuracy on the validation rows."""
        accelerator = self._accelerator
        self._model.eval()
        found = torch.zeros(2, device=accelerator.device)
        size = self._arguments.per_device_eval_batch_size * accelerator.num_processes
        with torch.inference_mode(), accelerator.autocast():
            for rows in self._validation.in_order_of_length(size):
                mine = rows[accelerator.process_index :: accelerator.num_processes]
                if len(mine):
                    inputs = self._validation.batch(mine)
                    labels = inputs.pop("labels")
                    logits = self._computing(**inputs).logits
                    found += torch.stack([losses(logits, labels).sum(), right(logits, labels).sum()])
        loss, accuracy = (accelerator.reduce(found, "sum") / len(self._validation)).tolist()
        return {"eval_loss": loss, "eval_accuracy": accuracy}

    def _optimise(self) -> tuple[Any, Any]:
        arguments, processes = self._arguments, self._accelerator.num_processes
        # Biases and normalisations, which have one dimension, do not decay.
        parameters = [one for one in self._raw.parameters() if one.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [one for one in parameters if one.ndim > 1]},
            {"params": [one for one in parameters if one.ndim == 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(
            groups,
            lr=arguments.scaled_learning_rate(processes),
            weight_decay=arguments.weight_decay,
            fused=True,
        )
        warmup = math.ceil(arguments.warmup_ratio * self.state.max_steps)
        # Not prepared by accelerate, which would take a step of the schedule for each process.
        scheduler = get_linear_schedule_with_warmup(optimizer, warmup, self.state.max_steps)
        return self._accelerator.prepare_optimizer(optimizer), scheduler

    def _enough(self) -> bool:
        accuracies = [entry["eval_accuracy"] for entry in self.state.log_history if "eval_loss" in entry]
        patience = self._arguments.early_stopping_patience
        since_best = len(accuracies) - 1 - accuracies.index(max(accuracies)) if accuracies else 0
        return 0 < patience <= since_best

    def _tell(self) -> None:
        loss = self._accelerator.reduce(self._loss, "sum").item() / self._arguments.logging_steps
        self._loss.zero_()
        entry = {"loss": loss, "learning_rate": self._scheduler.get_last_lr()[0], **self._now()}
        self.state.log_history.append(entry)
        if self._accelerator.is_main_process:
            self._reporter.trained(self.state, entry)

    def _record(self, found: dict[str, float], seconds: float) -> None:
        state = self.state
        entry = {**found, **self._now(), "train_seconds": seconds}
        state.log_history.append({**entry, "seconds": self._clock.seconds})
        if state.best_metric is None or entry["eval_accuracy"] > state.best_metric:
            state.best_metric = entry["eval_accuracy"]
            state.best_model_checkpoint = str(self._checkpoint())
        if self._accelerator.is_main_process:
            self._reporter.validated(state, entry)

    def _now(self) -> dict[str, float]:
        return {"epoch": self.state.epoch, "step": self.state.global_step}

    def _checkpoint(self) -> Path:
        return self._folder / f"checkpoint-{self.state.global_step}"

    def _save(self) -> None:
        checkpoint, accelerator = self._checkpoint(), self._accelerator
        chances = gather_object([_chance()])
        if accelerator.is_main_process:
            self._raw.save_pretrained(checkpoint)
            self.state.save_to_json(str(checkpoint / "trainer_state.json"))
            if self._resumable:
                # By the names that transformers' Trainer has for them.
                torch.save(self._optimizer.state_dict(), checkpoint / "optimizer.pt")
                torch.save(self._scheduler.state_dict(), checkpoint / "scheduler.pt")
                torch.save(chances, checkpoint / "rng_state.pth")
                if accelerator.scaler:
                    torch.save(accelerator.scaler.state_dict(), checkpoint / "scaler.pt")
                checkpoints.seal(checkpoint)
            checkpoints.rotate(checkpoint)
        accelerator.wait_for_everyone()

    def _resume(self) -> float:
        """Go on from the newest checkpoint; returns the seconds that were trained before."""
        accelerator = self._accelerator
        last = checkpoints.resumed(self._folder) if self._resumable else None
        if last is None:
            return 0
        max_steps = self.state.max_steps
        self.state = checkpoints.read_state(last)
        self.state.max_steps = max_steps
        self.state.best_model_checkpoint = str(checkpoints.best(last))
        self._raw.load_state_dict(type(self._raw).from_pretrained(last).state_dict())
        if self._copy:
            self._copy.take_weights()
        self._optimizer.load_state_dict(torch.load(last / "optimizer.pt", "cpu", weights_only=True))
        self._scheduler.load_state_dict(torch.load(last / "scheduler.pt", weights_only=True))
        if accelerator.scaler:
            accelerator.scaler.load_state_dict(torch.load(last / "scaler.pt", weights_only=True))
        chances = torch.load(last / "rng_state.pth", weights_only=True)
        if len(chances) == accelerator.num_processes:
            _set_chance(chances[accelerator.process_index])
        validated = [entry for entry in self.state.log_history if "train_seconds" in entry]
        self._clock.restore(validated[-1]["seconds"])
        return float(validated[-1]["train_seconds"])


def _chance() -> dict[str, Any]:
    state: dict[str, Any] = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def _set_chance(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"])
