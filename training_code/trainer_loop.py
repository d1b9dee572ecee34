"""The other way to train: transformers' Trainer, over the same batches, checkpoints and lines.

It is there to compare with, and for those who know it: callbacks, and what else it can do.
"""

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

import checkpoints
from batches import Inputs, order, shares
from encoding import Integers
from hyperparameters import Arguments
from native_loop import Data
from objective import losses, right
from reporting import Reporter

_CPU = torch.device("cpu")


def train(
    arguments: Arguments,
    model: PreTrainedModel,
    data: Data,
    folder: Path,
    reporter: Reporter,
    *,
    resumable: bool,
) -> TrainerState:
    """Train `model`, which afterwards has the weights of the epoch that validates best.

    Checkpoints are written to `folder`, with what it takes to resume if `resumable`.
    """
    processes = PartialState().num_processes
    rows = _Rows(Inputs(data.train, model.config, data.tokenizer, _CPU), arguments, processes)
    steps = math.ceil(arguments.num_train_epochs * rows.steps)
    patience = arguments.early_stopping_patience
    trainer = _Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=arguments.num_train_epochs,
            per_device_train_batch_size=arguments.per_device_train_batch_size,
            per_device_eval_batch_size=arguments.per_device_eval_batch_size,
            gradient_accumulation_steps=arguments.gradient_accumulation_steps,
            gradient_checkpointing=arguments.gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
            learning_rate=arguments.scaled_learning_rate(processes),
            weight_decay=arguments.weight_decay,
            max_grad_norm=arguments.max_grad_norm,
            # transformers 5 takes no ratio of 1.
            warmup_steps=math.ceil(arguments.warmup_ratio * steps),
            seed=arguments.seed,
            fp16=arguments.mixed_precision == "fp16",
            bf16=arguments.mixed_precision == "bf16",
            torch_compile=arguments.torch_compile,
            logging_steps=arguments.logging_steps,
            logging_nan_inf_filter=False,
            average_tokens_across_devices=processes > 1,
            eval_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=2,
            save_only_model=not resumable,
            load_best_model_at_end=True,
            metric_for_best_model="accuracy",
            use_cpu=not torch.cuda.is_available(),
            dataloader_pin_memory=torch.cuda.is_available(),
            disable_tqdm=not sys.stdout.isatty(),
            report_to=[],
        ),
        train_dataset=rows,
        eval_dataset=_Rows(Inputs(data.validation, model.config, data.tokenizer, _CPU), arguments, processes),
        compute_loss_func=_mean_loss,
        compute_metrics=_accuracy,
        callbacks=[
            _Checkpoints(),
            _Lines(reporter),
            *([EarlyStoppingCallback(early_stopping_patience=patience)] if patience else []),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    last = checkpoints.resumed(folder) if resumable else None
    state = checkpoints.read_state(last) if last else None
    if last and state and state.global_step >= state.max_steps:
        # All is trained. The Trainer would train a step more where the last epoch is part of one.
        trainer.state = state
        model.load_state_dict(type(model).from_pretrained(checkpoints.best(last)).state_dict())
    else:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    return trainer.state


class _Rows(Dataset[int]):
    """The numbers of the rows; what the model takes is made of a batch of them."""

    def __init__(self, inputs: Inputs, arguments: Arguments, processes: int) -> None:
        self.inputs = inputs
        self.size = arguments.effective_batch_size(processes)
        self.steps = math.ceil(len(inputs) / self.size)
        self.seed = arguments.seed
        self.accumulated = arguments.gradient_accumulation_steps
        self.processes = processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, row: int) -> int:
        return row

    def collate(self, rows: list[int]) -> dict[str, torch.Tensor]:
        return self.inputs.batch(np.array(rows, dtype=np.int64))


class _Batches(Sampler[list[int]]):
    """The batches of an epoch; accelerate gives each process every so manieth."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows.steps * self._rows.accumulated * self._rows.processes

    def __iter__(self) -> Iterator[list[int]]:
        rows = self._rows
        for step in order(rows.inputs.lengths, rows.size, rows.seed, rows.epoch):
            for part in shares(step, rows.processes, rows.accumulated):
                # Where there are fewer rows than batches, a row stands in for none.
                yield from ((mine if len(mine) else step[:1]).tolist() for mine in part)


class _Trainer(Trainer):  # type: ignore[misc]  # transformers is untyped
    def get_train_dataloader(self) -> Any:
        rows = self.train_dataset
        return self.accelerator.prepare(
            DataLoader(rows, batch_sampler=_Batches(rows), collate_fn=rows.collate)
        )

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        rows = self.eval_dataset
        batches: list[Integers] = list(rows.inputs.in_order_of_length(self.args.eval_batch_size))
        return self.accelerator.prepare(
            DataLoader(rows, batch_sampler=[one.tolist() for one in batches], collate_fn=rows.collate)
        )


def _mean_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
    """The mean of a whole step's rows, of which `outputs` has some: the Trainer adds those of all up.

    By itself it takes the mean of batches' means, and transformers 5 that times the processes.
    """
    each = losses(outputs.logits, labels)
    # They are counted by their labels, of which a text may have several.
    return each.mean() if num_items_in_batch is None else each.sum() * labels[0].numel() / num_items_in_batch


def _accuracy(evaluated: EvalPrediction) -> dict[str, float]:
    logits, labels = (torch.from_numpy(one) for one in (evaluated.predictions, evaluated.label_ids))
    return {"accuracy": right(logits, labels).float().mean().item()}


class _Lines(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Has the reporter tell what the Trainer logs."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **kwargs: object,
    ) -> None:
        if state.is_world_process_zero and "eval_loss" in logs:
            self._reporter.validated(state, logs)
        elif state.is_world_process_zero and "loss" in logs:
            self._reporter.trained(state, logs)


class _Checkpoints(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Makes the Trainer's checkpoints such that a training resumed from one ends as if never interrupted.

    It also records in each validation's log entry how long training took, the time before an interruption
    included: the Trainer's own figure begins with the resumption, yet counts the samples of the whole.
    """

    _started: float

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        seconds = [entry["train_seconds"] for entry in state.log_history if "train_seconds" in entry]
        self._started = time.monotonic() - max(seconds, default=0)
        if state.best_model_checkpoint:
            state.best_model_checkpoint = str(Path(args.output_dir, Path(state.best_model_checkpoint).name))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        # The Trainer saves after the last step too, before it validates: a training resumed from that
        # would never validate its last epoch.
        control.should_save = False

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        state.log_history[-1]["train_seconds"] = time.monotonic() - self._started

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        # Each process writes its random state.
        PartialState().wait_for_everyone()
        if not args.save_only_model and state.is_world_process_zero:
            checkpoints.seal(Path(args.output_dir, f"checkpoint-{state.global_step}"))
