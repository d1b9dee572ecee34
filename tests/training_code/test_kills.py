"""A training that is killed again and again, as spot instances are, loses little and changes nothing.

It writes build/kill-test.json: `kills`, `lost_steps_max`, `checkpoint_interval` (steps), `same_batch_order`,
`metric_gap` (validation loss of the best epoch, against a training that nobody killed), and `seed_noise`, how
far three seeds lie apart in the same metric.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rows import Row
from tests.training_code import recorded
from tests.training_code.conftest import FAST, read_json, write_channels

KILLS = 20
# As in test_checkpoints.py: 50 rows in batches of 8. Training saves at the end of each epoch.
CHECKPOINT_INTERVAL = 7
EPOCHS = 40
ARGUMENTS = [*FAST, "--num_train_epochs", str(EPOCHS)]
REPORT = Path(__file__).resolve().parents[2] / "build" / "kill-test.json"


@dataclass(frozen=True)
class Run:
    """A training from its first start to its end."""

    job: Path
    starts: list[list[tuple[int, str]]]
    """The steps of each start: number and digest of the batch."""

    @property
    def steps(self) -> dict[int, str]:
        """The batch of each step as it was last taken: what the model has learnt from."""
        return {step: digest for start in self.starts for step, digest in start}

    @property
    def lost(self) -> list[int]:
        """How many steps each killing cost: those that the next start took again."""
        return [
            max(0, before[-1][0] - (after[0][0] - 1))
            for before, after in zip(self.starts[:-1], self.starts[1:], strict=True)
        ]

    @property
    def loss(self) -> float:
        """Of the best epoch, on the validation rows; finer than the accuracy."""
        training: Any = read_json(self.job / "output" / "data" / "training.json")
        return float(training["best"]["loss"])


def job_with_channels(base: Path, rows: list[Row], checkpoint: Path) -> Path:
    write_channels(base, rows[::2], rows[1::2], checkpoint)
    (base / "checkpoints").mkdir()
    return base


def train_undisturbed(job: Path, *arguments: str) -> Run:
    process = recorded.start(job, [*ARGUMENTS, *arguments], job / "steps")
    process.join()
    assert process.exitcode == 0
    return Run(job, [recorded.read(job / "steps")])


def train_killing(job: Path, chance: random.Random) -> Run:
    """Kill it by SIGKILL at random points, at least one step from its start, until it was killed often."""
    starts: list[list[tuple[int, str]]] = []
    while True:
        record = job / f"steps-{len(starts)}"
        process = recorded.start(job, ARGUMENTS, record)
        if len(starts) < KILLS:
            steps = chance.randint(1, CHECKPOINT_INTERVAL + 2)
            while process.is_alive() and len(recorded.read(record)) < steps:
                time.sleep(0.002)
            # Somewhere in the step, the validation or the saving that follows.
            time.sleep(chance.uniform(0, 0.03))
            process.kill()
        process.join()
        starts.append(recorded.read(record))
        if process.exitcode == 0:
            return Run(job, starts)
        assert process.exitcode == -9


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, training_rows: list[Row], checkpoint: Path
) -> list[Run]:
    """Trainings that nobody killed, of three seeds; the first has the seed of `killed`."""
    return [
        train_undisturbed(
            job_with_channels(tmp_path_factory.mktemp("undisturbed"), training_rows, checkpoint),
            "--seed",
            seed,
        )
        for seed in ("42", "43", "44")
    ]


@pytest.fixture(scope="module")
def killed(
    tmp_path_factory: pytest.TempPathFactory,
    training_rows: list[Row],
    checkpoint: Path,
    undisturbed: list[Run],
) -> Iterator[Run]:
    job = job_with_channels(tmp_path_factory.mktemp("killed"), training_rows, checkpoint)
    run = train_killing(job, random.Random(20))  # noqa: S311  # no secret
    losses = [other.loss for other in undisturbed]
    REPORT.parent.mkdir(exist_ok=True)
    report = {
        "kills": len(run.starts) - 1,
        "lost_steps_max": max(run.lost),
        "checkpoint_interval": CHECKPOINT_INTERVAL,
        "same_batch_order": run.steps == undisturbed[0].steps,
        "metric_gap": abs(run.loss - undisturbed[0].loss),
        "seed_noise": max(losses) - min(losses),
    }
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    yield run


def test_a_training_ends_however_often_it_was_killed(killed: Run) -> None:
    assert len(killed.starts) - 1 >= KILLS


def test_a_kill_costs_one_checkpoint_interval_at_most(killed: Run) -> None:
    assert 0 < max(killed.lost) <= CHECKPOINT_INTERVAL


def test_every_step_has_the_batch_that_it_would_have_had(killed: Run, undisturbed: list[Run]) -> None:
    """The steps that were taken twice too, both times."""
    expected = undisturbed[0].steps
    assert len(expected) == EPOCHS * CHECKPOINT_INTERVAL
    assert killed.steps == expected
    assert [step for start in killed.starts for step in start if expected[step[0]] != step[1]] == []


def test_the_model_is_the_one_that_it_would_have_been(killed: Run, undisturbed: list[Run]) -> None:
    """Bit by bit, so that the gap in every metric is 0, whatever the noise of the seed."""
    assert killed.loss == undisturbed[0].loss
    ours, theirs = (load_file(run.job / "model" / "model.safetensors") for run in (killed, undisturbed[0]))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
