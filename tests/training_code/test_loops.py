"""The two ways to train, and what both do alike."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import Trainer
from transformers.models.bert.modeling_bert import BertIntermediate

import train
from batches import Inputs
from rows import Row
from tests.training_code.conftest import FAST, read_json, write_channels

LOOPS = ["native", "trainer"]
each_loop = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture
def channels(job: Path, checkpoint: Path, training_rows: list[Row]) -> Path:
    write_channels(job, training_rows[::2], training_rows[1::2], checkpoint)
    return job


@pytest.fixture
def run(channels: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Trains in a folder of its own, on the same rows; returns that, with training.json."""

    def start(name: str, *arguments: str) -> tuple[Path, Any]:
        base = channels.parent / name
        shutil.copytree(channels / "input", base / "input", symlinks=True)
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
        # Once accelerate has a precision, it keeps it as long as the process lives.
        train.main([*FAST, "--bf16", "False", *arguments])
        return base, read_json(base / "output" / "data" / "training.json")

    return start


def accuracies(made: Any) -> list[float]:
    return [epoch["accuracy"] for epoch in made["validation"]]


def weights(base: Path) -> dict[str, torch.Tensor]:
    return load_file(base / "model" / "model.safetensors")


def test_both_loops_learn_the_same_to_the_same_accuracy(run: Callable[..., Any]) -> None:
    found = [run(loop, "--loop", loop)[1]["best"]["accuracy"] for loop in LOOPS]
    # Two of the fifty validation rows.
    assert found[0] == pytest.approx(found[1], abs=0.04)
    assert min(found) > 0.9


def test_with_the_same_dropout_both_loops_make_the_same_model(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance: list[torch.Tensor] = []
    step = Trainer.training_step

    def undisturbed(trainer: Trainer, *arguments: Any) -> Any:
        # Between the steps the Trainer draws random numbers for its loaders: the next dropout is another.
        torch.set_rng_state(chance.pop()) if chance else torch.manual_seed(trainer.args.seed)
        try:
            return step(trainer, *arguments)
        finally:
            chance.append(torch.get_rng_state())

    monkeypatch.setattr(Trainer, "training_step", undisturbed)
    one, other = (weights(run(loop, "--loop", loop, "--learning_rate", "1e-3")[0]) for loop in LOOPS)
    # The true gradient of this one is 0, and Adam makes steps of the rounding.
    names = [name for name in one if not name.endswith("key.bias")]
    assert max((one[name] - other[name]).abs().max() for name in names) < 1e-4


def test_both_loops_take_the_very_same_batches(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[str, list[list[int]]] = {}
    whole = Inputs.batch
    for loop in LOOPS:
        rows_of: list[list[int]] = taken.setdefault(loop, [])

        def batch(inputs: Inputs, rows: Any, rows_of: list[list[int]] = rows_of) -> Any:
            # The fifty that validate are one batch.
            if len(rows) < 50:
                rows_of.append(rows.tolist())
            return whole(inputs, rows)

        monkeypatch.setattr(Inputs, "batch", batch)
        run(loop, "--loop", loop, "--num_train_epochs", "2", "--gradient_accumulation_steps", "2")
    assert taken["native"] == taken["trainer"]
    assert len(taken["native"]) == 2 * 2 * 4


@each_loop
def test_training_ends_when_no_epoch_was_better_for_as_long_as_the_patience(
    run: Callable[..., Any], loop: str
) -> None:
    patience = 2
    _, made = run(
        loop,
        *("--loop", loop, "--num_train_epochs", "30", "--early_stopping_patience", str(patience)),
    )
    found = accuracies(made)
    assert len(found) < 30
    assert len(found) - 1 - found.index(max(found)) == patience


@each_loop
def test_gradient_checkpointing_gives_the_same_weights(run: Callable[..., Any], loop: str) -> None:
    arguments = ("--loop", loop, "--num_train_epochs", "1")
    plain, _ = run("plain", *arguments)
    spared, _ = run("spared", *arguments, "--gradient_checkpointing", "True")
    one, other = weights(plain), weights(spared)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_gradient_checkpointing_computes_activations_again(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    whole = BertIntermediate.forward

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        computed.append(1)
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(BertIntermediate, "forward", forward)
    run("plain", "--num_train_epochs", "1")
    plain = len(computed)
    run("spared", "--num_train_epochs", "1", "--gradient_checkpointing", "True")
    assert len(computed) - plain == plain + 7
