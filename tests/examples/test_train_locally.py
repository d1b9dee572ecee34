"""A training without any cloud, as a person sees it in a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "data" / "base_model"
COMMAND = [sys.executable, "-m", "examples.train_locally"]


@dataclass(frozen=True)
class Training:
    """What was seen, and what was made."""

    screen: str
    output: Path


def in_a_terminal(*arguments: str) -> str:
    """Run the example, which must succeed, and return what the terminal shows."""
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 100))
    with subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=end, stderr=end) as process:
        os.close(end)
        shown = b""
        try:
            while read := os.read(terminal, 65536):
                shown += read
        except OSError:  # Linux says so of a terminal that nobody writes to any more.
            pass
        os.close(terminal)
    screen = shown.decode("utf-8")
    assert process.returncode == 0, screen
    return screen


def refused(*arguments: str) -> str:
    finished = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, stderr=subprocess.PIPE, encoding="utf-8", check=False
    )
    assert finished.returncode != 0
    return finished.stderr


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    folder = tmp_path_factory.mktemp("my texts")
    source = (ROOT / "data" / "reviews" / "reviews.tsv").read_text(encoding="utf-8")
    data = folder / "내 리뷰.tsv"
    data.write_text(source.replace("document\t", "리뷰\t", 1), encoding="utf-8")
    output = folder / "out"
    screen = in_a_terminal(
        *("--data", str(data), "--text_column", "리뷰", "--base", str(BASE), "--output", str(output)),
        *("--", "--num_train_epochs", "2", "--train_subset", "0.1"),
    )
    return Training(screen, output)


def test_a_bar_shows_how_far_the_training_is(training: Training) -> None:
    assert "step/s" in training.screen


def test_prepare_and_train_get_their_arguments(training: Training) -> None:
    made: Any = json.loads((training.output / "training.json").read_text(encoding="utf-8"))
    assert (made["base"], made["arguments"]["num_train_epochs"]) == ("model channel", 2)
    manifest: Any = json.loads((training.output / "manifest" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["arguments"]["text_column"] == "리뷰"


def test_the_model_that_was_trained_is_kept(training: Training) -> None:
    model = training.output / "model"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in model.iterdir()}
    assert (model / "code" / "inference.py").is_file()


def test_it_is_evaluated_on_rows_that_were_held_out(training: Training) -> None:
    evaluation = training.output / "evaluation"
    found: Any = json.loads((evaluation / "evaluation.json").read_text(encoding="utf-8"))
    manifest: Any = json.loads((training.output / "manifest" / "manifest.json").read_text(encoding="utf-8"))
    assert found["rows"] == manifest["splits"]["test"]["rows"]
    assert (evaluation / "report.html").is_file()


def test_a_results_folder_that_is_there_is_not_written_to(tmp_path: Path) -> None:
    said = refused("--data", str(ROOT / "data" / "reviews"), "--output", str(tmp_path))
    assert f"--output {tmp_path} exists: name another folder, or remove it" in said


def test_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = refused("--data", str(tmp_path / "none"), "--output", str(tmp_path / "out"))
    assert f"--data {tmp_path / 'none'}: there is no such file or folder" in said


def test_an_argument_that_nobody_has_is_refused(tmp_path: Path) -> None:
    said = refused(
        *("--data", str(ROOT / "data" / "reviews"), "--output", str(tmp_path / "out")),
        *("--text_colum", "document"),
    )
    assert "unknown argument text_colum: did you mean text_column?" in said
    assert not (tmp_path / "out").exists()
