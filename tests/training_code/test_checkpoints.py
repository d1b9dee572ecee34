"""A training that is interrupted and started again, as managed spot training does."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import checkpoints
import train
from batches import Inputs
from native_loop import NativeLoop
from rows import Row
from tests.training_code.conftest import FAST, read_json, write_channels

# Of a job whose channels are those of the fixture `trained`.
STEPS_PER_EPOCH = 7


class InterruptionError(Exception):
    pass


def start(job: Path, *arguments: str) -> None:
    """Run train.py on a job's folder that has channels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_BASE_DIR", str(job))
        train.main([*FAST, *arguments])


def start_interrupted(job: Path, *arguments: str, after_epoch: int) -> None:
    """Run train.py until that many epochs are trained, validated and saved, and two steps more are taken."""
    step, steps = Inputs.batch, [0]

    def batch(inputs: Inputs, rows: Any) -> Any:
        # Of the rows that validate, the Trainer makes the first batch before it leaves the gradients out.
        if torch.is_grad_enabled() and len(rows) <= 8:
            steps[0] += 1
        if steps[0] > after_epoch * STEPS_PER_EPOCH + 2:
            raise InterruptionError
        return step(inputs, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inputs, "batch", batch)
        with pytest.raises(InterruptionError):
            start(job, *arguments)


def kept(job: Path) -> list[str]:
    return sorted(path.name for path in (job / "checkpoints").iterdir())


def training_json(job: Path) -> Any:
    return read_json(job / "output" / "data" / "training.json")


def assert_same_training(job: Path, other: Path) -> None:
    """Compare weights bit by bit, and the validation of every epoch."""
    assert training_json(job)["validation"] == training_json(other)["validation"]
    assert training_json(job)["best"] == training_json(other)["best"]
    weights, others = (load_file(base / "model" / "model.safetensors") for base in (job, other))
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def swapped(rows: list[Row]) -> list[Row]:
    """With the labels swapped, the better the model learns the worse it validates."""
    other = {"negative": "positive", "positive": "negative"}
    return [Row(row.text, (other[row.label],)) for row in rows]


@pytest.fixture
def channels(job: Path, checkpoint: Path, training_rows: list[Row]) -> Path:
    """A job that keeps checkpoints, with the channels of the fixture `trained`."""
    write_channels(job, training_rows[::2], training_rows[1::2], checkpoint)
    (job / "checkpoints").mkdir()
    return job


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, training_rows: list[Row]) -> Path:
    """Checkpoints of a training that was interrupted after two of its four epochs."""
    base = tmp_path_factory.mktemp("stopped")
    write_channels(base, training_rows[::2], training_rows[1::2], checkpoint)
    (base / "checkpoints").mkdir()
    start_interrupted(base, after_epoch=2)
    return base / "checkpoints"


@pytest.fixture
def interrupted(channels: Path, stopped: Path) -> Path:
    """A job that two epochs of four were trained of, on another machine."""
    shutil.copytree(stopped, channels / "checkpoints", dirs_exist_ok=True)
    return channels


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_resumed_training_ends_as_one_that_was_not_interrupted(
    channels: Path, trained: Path, capsys: pytest.CaptureFixture[str], epochs: int
) -> None:
    start_interrupted(channels, after_epoch=epochs)
    capsys.readouterr()
    start(channels)
    setup, resumes, *lines = capsys.readouterr().out.splitlines()
    assert setup.startswith("[setup] base=")
    assert resumes == f"[setup] resumes from checkpoint-{epochs * STEPS_PER_EPOCH}"
    assert sum("[validation]" in line for line in lines) == 4 - epochs
    assert kept(channels)[-1] == f"checkpoint-{4 * STEPS_PER_EPOCH}"
    assert_same_training(channels, trained)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_training_that_the_trainer_resumes_ends_as_one_that_was_not_interrupted(
    channels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], epochs: int
) -> None:
    trainer = ("--loop", "trainer", "--bf16", "False")
    whole = tmp_path / "whole"
    shutil.copytree(channels / "input", whole / "input", symlinks=True)
    start(whole, *trainer)
    start_interrupted(channels, *trainer, after_epoch=epochs)
    capsys.readouterr()
    start(channels, *trainer)
    lines = capsys.readouterr().out
    assert f"[setup] resumes from checkpoint-{epochs * STEPS_PER_EPOCH}\n" in lines
    assert lines.count("[validation]") == 4 - epochs
    assert_same_training(channels, whole)


def test_a_training_whose_process_was_killed_resumes(channels: Path, trained: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, train.__file__, *FAST],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout
    # Two epochs are saved by now, and perhaps part of the third.
    assert any(line.startswith("[validation] epoch=3.00") for line in process.stdout)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    start(channels)
    assert_same_training(channels, trained)


def test_the_time_before_an_interruption_counts(interrupted: Path) -> None:
    before = checkpoints.read_state(interrupted / "checkpoints" / f"checkpoint-{2 * STEPS_PER_EPOCH}")
    start(interrupted)
    throughput = training_json(interrupted)["throughput"]
    assert throughput["train_seconds"] > before.log_history[-1]["train_seconds"] > 0
    assert throughput["train_samples_per_second"] == pytest.approx(
        4 * 50 / throughput["train_seconds"], rel=0.01
    )


def test_the_best_epoch_may_lie_before_the_interruption(
    channels: Path, tmp_path: Path, training_rows: list[Row], checkpoint: Path
) -> None:
    for name in ("one", "two"):
        write_channels(tmp_path / name, training_rows, swapped(training_rows), checkpoint)
        (tmp_path / name / "checkpoints").mkdir()
    start(tmp_path / "one")
    epochs = [epoch["accuracy"] for epoch in training_json(tmp_path / "one")["validation"]]
    assert epochs[0] == max(epochs) > epochs[-1]
    start_interrupted(tmp_path / "two", after_epoch=3)
    moved = (tmp_path / "two").rename(tmp_path / "moved")
    start(moved)
    assert_same_training(moved, tmp_path / "one")
    assert len(kept(moved)) == 2


@pytest.mark.parametrize("epochs", ["2", "1.5"])
def test_a_job_interrupted_after_its_last_step_trains_nothing_more_and_says_what_was_trained(
    channels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], epochs: str
) -> None:
    start(channels, "--num_train_epochs", epochs)
    first = channels.rename(tmp_path / "first")
    shutil.copytree(first / "input", channels / "input", symlinks=True)
    shutil.copytree(first / "checkpoints", channels / "checkpoints")
    capsys.readouterr()
    start(channels, "--num_train_epochs", epochs)
    assert "[train]" not in capsys.readouterr().out
    assert training_json(channels) == training_json(first)
    assert len(training_json(channels)["validation"]) == 2
    assert kept(channels) == kept(first)
    assert_same_training(channels, first)


def test_the_last_epoch_is_not_saved_before_it_is_validated(channels: Path) -> None:
    def interrupt(_: object) -> dict[str, float]:
        raise InterruptionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NativeLoop, "evaluate", interrupt)
        with pytest.raises(InterruptionError):
            start(channels, "--num_train_epochs", "1")
    assert kept(channels) == []


def without_optimizer(checkpoint: Path) -> None:
    (checkpoint / "optimizer.pt").unlink()


def half_written(checkpoint: Path) -> None:
    os.truncate(checkpoint / "model.safetensors", 1000)


def without_seal(checkpoint: Path) -> None:
    (checkpoint / "complete.json").unlink()


def with_half_a_seal(checkpoint: Path) -> None:
    os.truncate(checkpoint / "complete.json", 100)


@pytest.mark.parametrize("damage", [without_optimizer, half_written, without_seal, with_half_a_seal])
def test_a_partial_checkpoint_is_passed_over(
    interrupted: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    folder = interrupted / "checkpoints"
    older, newer = folder / "checkpoint-7", folder / "checkpoint-14"
    damage(newer)
    assert checkpoints.newest_complete(folder) == older
    assert capsys.readouterr().out == "[setup] passes over checkpoint-14: it is not complete\n"
    assert not newer.exists()


def test_after_a_partial_checkpoint_training_ends_the_same(
    interrupted: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_optimizer(interrupted / "checkpoints" / "checkpoint-14")
    start(interrupted)
    assert "[setup] resumes from checkpoint-7\n" in capsys.readouterr().out
    assert_same_training(interrupted, trained)


def test_where_all_are_partial_training_starts_anew(
    interrupted: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for checkpoint in (interrupted / "checkpoints").iterdir():
        without_optimizer(checkpoint)
    start(interrupted)
    assert "resumes" not in capsys.readouterr().out
    assert_same_training(interrupted, trained)


def test_a_checkpoint_without_the_best_one_before_it_is_passed_over(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = interrupted / "checkpoints"
    record = folder / "checkpoint-14" / "trainer_state.json"
    state: Any = read_json(record)
    record.write_text(json.dumps(state | {"best_model_checkpoint": "/gone/checkpoint-7"}), encoding="utf-8")
    checkpoints.seal(folder / "checkpoint-14")
    assert checkpoints.newest_complete(folder) == folder / "checkpoint-14"
    without_optimizer(folder / "checkpoint-7")
    capsys.readouterr()
    assert checkpoints.newest_complete(folder) is None
    assert capsys.readouterr().out.splitlines() == [
        "[setup] passes over checkpoint-14: the best one before it, checkpoint-7, is not complete",
        "[setup] passes over checkpoint-7: it is not complete",
    ]


def test_what_sagemaker_marks_files_with_is_no_part_of_a_checkpoint(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint-7"
    checkpoint.mkdir()
    for name in ("model.safetensors", "model.safetensors.sagemaker-uploading"):
        (checkpoint / name).touch()
    checkpoints.seal(checkpoint)
    seal: Any = read_json(checkpoint / "complete.json")
    assert list(seal) == ["model.safetensors"]


def test_an_older_checkpoint_stays_beside_the_newest(stopped: Path) -> None:
    assert {path.name for path in stopped.iterdir()} == {"checkpoint-7", "checkpoint-14"}


def test_a_job_without_the_folder_keeps_and_resumes_nothing(
    job: Path, checkpoint: Path, training_rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    write_channels(job, training_rows, training_rows[::9], checkpoint)
    start_interrupted(job, after_epoch=1)
    capsys.readouterr()
    start(job, "--num_train_epochs", "2")
    printed = capsys.readouterr().out
    assert "resumes" not in printed
    assert printed.count("[validation]") == 2
    assert not (job / "checkpoints").exists()
