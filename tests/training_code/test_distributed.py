"""Several processes, as torchrun starts them, against one that takes as many texts at a time."""

import math
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import train
from rows import Row
from tests.training_code import tiny_model
from tests.training_code.conftest import read_json, write_channels

_EPOCHS = 3
_RATE = 1e-3
# Three rows are left over from two steps of 16: fewer than a step has batches, where they accumulate.
_ROWS = 35
_STEPS = 3
# train.py, until so many batches are learnt from.
_INTERRUPTED = """
import torch
import train
from batches import Inputs

class InterruptionError(Exception):
    pass

whole, learnt = Inputs.batch, []

def batch(inputs, rows):
    learnt.extend([rows] if torch.is_grad_enabled() and len(rows) <= 8 else [])
    if len(learnt) > {steps}:
        raise InterruptionError
    return whole(inputs, rows)

Inputs.batch = batch
train.main()
"""


@dataclass(frozen=True)
class Pair:
    """A training by two processes that keeps checkpoints."""

    loop: str
    job: Path
    printed: str


@pytest.fixture(scope="module")
def without_dropout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base checkpoint that several processes train as one does: each draws its own dropout."""
    folder = tmp_path_factory.mktemp("without dropout")
    tiny_model.write_checkpoint(folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    return folder


@pytest.fixture(scope="module", params=["native", "trainer"])
def pair(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    without_dropout: Path,
    training_rows: list[Row],
) -> Pair:
    job = tmp_path_factory.mktemp("two processes")
    loop = request.param
    write_channels(job, training_rows[::2][:_ROWS], training_rows[1::2], without_dropout)
    (job / "checkpoints").mkdir()
    return Pair(loop, job, together(job, *arguments(8, 1, _RATE, loop=loop)))


@pytest.fixture
def channels(job: Path, without_dropout: Path, training_rows: list[Row]) -> Path:
    write_channels(job, training_rows[::2][:_ROWS], training_rows[1::2], without_dropout)
    return job


def copied(job: Path, folder: Path) -> Path:
    """Another job, with the same channels."""
    shutil.copytree(job / "input", folder / "input", symlinks=True)
    return folder


def arguments(batch: int, accumulated: int, rate: float, **more: object) -> list[str]:
    """Of train.py; `batch` texts at a time in each process."""
    every = {
        "num_train_epochs": _EPOCHS,
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulated,
        "learning_rate": rate,
        "max_seq_length": 32,
        "logging_steps": 1,
        "bf16": False,
        **more,
    }
    return [part for name, value in every.items() for part in (f"--{name}", str(value))]


def alone(job: Path, *given: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_BASE_DIR", str(job))
        train.main(given)


def launch(job: Path, script: Path, *given: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the training code in two processes on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
            *("--master-addr", "127.0.0.1", "--master-port", str(port), str(script), *given),
        ],
        env=os.environ
        | {
            "SAGEMAKER_BASE_DIR": str(job),
            "PYTHONPATH": os.pathsep.join(
                [str(Path(train.__file__).parent), os.environ.get("PYTHONPATH", "")]
            ),
            "OMP_NUM_THREADS": "1",
            # Of two, the Trainer has torch.load put a checkpoint on cpu:0, which that does not know.
            "ACCELERATE_TORCH_DEVICE": "cpu",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def together(job: Path, *given: str) -> str:
    """Run train.py in two processes; return what they print."""
    finished = launch(job, Path(train.__file__), *given)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def weights(job: Path) -> dict[str, torch.Tensor]:
    return load_file(job / "model" / "model.safetensors")


def training_json(job: Path) -> Any:
    return read_json(job / "output" / "data" / "training.json")


def assert_trained_alike(job: Path, other: Path) -> None:
    """Compare weights, and the validation of every epoch."""
    validations = [training_json(base)["validation"] for base in (job, other)]
    accuracies, others = ([epoch["accuracy"] for epoch in found] for found in validations)
    assert accuracies == others
    one, two = weights(job), weights(other)
    assert one.keys() == two.keys()
    for name in one:
        # The softmax cancels it: its gradient is 0 but for rounding, of which Adam makes whole steps.
        if not name.endswith("attention.self.key.bias"):
            torch.testing.assert_close(one[name], two[name], atol=1e-4, rtol=0, msg=name)


def test_two_processes_train_as_one_with_the_same_effective_batch(pair: Pair, tmp_path: Path) -> None:
    one = copied(pair.job, tmp_path / "one")
    alone(one, *arguments(16, 1, _RATE * math.sqrt(2), loop=pair.loop))
    assert_trained_alike(pair.job, one)


def test_two_processes_that_accumulate_train_as_one(channels: Path, tmp_path: Path) -> None:
    one = copied(channels, tmp_path / "one")
    printed = together(channels, *arguments(4, 2, _RATE))
    assert "processes=2 effective_batch_size=16 " in printed
    alone(one, *arguments(16, 1, _RATE * math.sqrt(2)))
    assert_trained_alike(channels, one)


def test_accumulated_batches_train_as_one_of_their_size(channels: Path, tmp_path: Path) -> None:
    whole = copied(channels, tmp_path / "whole")
    alone(channels, *arguments(4, 4, _RATE))
    alone(whole, *arguments(16, 1, _RATE))
    assert_trained_alike(channels, whole)


def test_one_process_speaks_for_all(pair: Pair) -> None:
    assert pair.printed.count("[setup]") == 1
    steps = [int(step) for step in re.findall(r"\[train\] step=(\d+)", pair.printed)]
    assert steps == list(range(1, _EPOCHS * _STEPS + 1))
    assert pair.printed.count("[validation]") == _EPOCHS


def test_the_log_and_training_json_have_the_effective_batch_size(pair: Pair) -> None:
    assert "processes=2 effective_batch_size=16 " in pair.printed
    assert training_json(pair.job)["processes"] == 2
    assert training_json(pair.job)["effective_batch_size"] == 16


def test_the_learning_rate_grows_by_the_square_root_of_the_processes(pair: Pair) -> None:
    assert f"learning_rate={_RATE * math.sqrt(2):g}" in pair.printed.splitlines()[0]
    rates = [float(rate) for rate in re.findall(r"\[train\].* learning_rate=(\S+)", pair.printed)]
    assert max(rates) == pytest.approx(_RATE * math.sqrt(2), rel=0.01)


def test_two_processes_resume_and_end_as_if_never_interrupted(pair: Pair, tmp_path: Path) -> None:
    again = copied(pair.job, tmp_path / "again")
    (again / "checkpoints").mkdir()
    given = arguments(8, 1, _RATE, loop=pair.loop)
    script = tmp_path / "interrupted.py"
    script.write_text(_INTERRUPTED.format(steps=2 * _STEPS + 2), encoding="utf-8")
    assert "InterruptionError" in launch(again, script, *given).stderr
    printed = together(again, *given)
    assert printed.count(f"[setup] resumes from checkpoint-{2 * _STEPS}\n") == 1
    assert printed.count("[validation]") == 1
    assert training_json(again)["validation"] == training_json(pair.job)["validation"]
    one, two = weights(pair.job), weights(again)
    assert all(torch.equal(one[name], two[name]) for name in one)
