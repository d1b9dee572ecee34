from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import accuracy
from rows import Row, write_jsonl
from tests.training_code import tiny_model

ROW = {"model": "a", "train_rows": 10, "seed": 1, "test_accuracy": 0.5}


def rows() -> list[Row]:
    good = [Row(text, ("positive",)) for text in tiny_model.reviews(tiny_model.GOOD)]
    return good + [Row(text, ("negative",)) for text in tiny_model.reviews(tiny_model.BAD)]


def kept(file: Path, *added: dict[str, Any]) -> Any:
    for row in added:
        accuracy.keep(row, file)
    return json.loads(file.read_text(encoding="utf-8"))


def test_a_row_is_added(tmp_path: Path) -> None:
    assert kept(tmp_path / "a.json", ROW, {**ROW, "seed": 2}) == [ROW, {**ROW, "seed": 2}]


def test_a_run_of_the_same_model_rows_and_seed_takes_the_place_of_the_last(tmp_path: Path) -> None:
    assert kept(tmp_path / "a.json", ROW, {**ROW, "test_accuracy": 0.6}) == [{**ROW, "test_accuracy": 0.6}]


def test_a_bag_of_characters_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "STRENGTHS", (1.0,))
    every = rows()
    found = accuracy.bag_of_words(
        {"train": every[::2], "validation": every[1::4], "test": every[3::4]}, 1.0, seed=1
    )
    assert found["test_accuracy"] > 0.9
    assert found["train_rows"] == 50


def test_a_checkpoint_is_fine_tuned_scored_on_the_test_rows_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model.write_checkpoint(tmp_path / "base")
    monkeypatch.setattr(accuracy, "SPLITS", tmp_path / "splits")
    every = rows()
    for split, some in (("train", every[::2]), ("validation", every[1::4]), ("test", every[3::4])):
        write_jsonl(tmp_path / "splits" / "nsmc" / f"{split}.jsonl", some)
    arguments = (
        "--num_train_epochs 4 --per_device_train_batch_size 8 --learning_rate 1e-2 --max_seq_length 32"
    )
    kept = tmp_path / "kept"
    found = accuracy.fine_tune(tmp_path / "base", False, 1, arguments.split(), "nsmc", every[3::4], kept)
    assert found["test_accuracy"] > 0.9
    assert found["test_rows"] == 25
    assert found["test_accuracy"] == pytest.approx(accuracy.score(kept, every[3::4]), abs=1e-5)


def test_the_bundled_reviews_are_tested_on_rows_of_nsmc_that_are_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accuracy, "SPLITS", tmp_path)
    every = rows()
    for data, some in (("bundled", every[::2]), ("nsmc", every)):
        for split in ("train", "validation", "test"):
            write_jsonl(tmp_path / data / f"{split}.jsonl", some)
    found = accuracy.prepare("bundled")
    assert found["train"] == every[::2]
    assert found["test"] == every[1::2]


def test_the_command_names_no_path_of_this_machine(tmp_path: Path) -> None:
    options = argparse.Namespace(
        model="my model",
        base=tmp_path,
        from_scratch=False,
        data="bundled",
        seed=3,
        train=["--num_train_epochs", "3"],
    )
    assert accuracy._command(options) == (
        "python benchmarks/accuracy.py --model 'my model' --base $BASE_MODEL_DIR --data bundled --seed 3"
        " -- --num_train_epochs 3"
    )
