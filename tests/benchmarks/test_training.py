"""The figures of benchmarks/training.py, from what its workers measure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from benchmarks import training_measure
from benchmarks.training import GOALS, Side, figures, sides, table
from rows import Row, write_jsonl
from tests.training_code import tiny_model

ROOT = Path(__file__).resolve().parents[2]


def measured(samples: int, seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "device": "CPU, 2 threads",
        "samples": samples,
        "seconds": seconds,
        "tflops": 0.1,
        "mfu": 0.25,
        "peak_bytes": 10**9,
        "memory_ratio": 1.2,
        "profile": {},
        **more,
    }


@pytest.fixture
def compared() -> list[Side]:
    found = sides(gpu=False)
    for side, rate in zip(found, (10, 2, 60, 100, 120), strict=True):
        side.measured = [measured(rate * 9, 10), measured(rate * 11, 10)]
    return found


TOKENISED = {"tokenise_seconds": 4.0, "tokenise_cached_seconds": 0.1}


def test_a_rate_is_of_all_rounds(compared: list[Side]) -> None:
    assert compared[0].row()["samples_per_second"] == 10


def test_the_ratios_are_of_the_fastest_of_ours_to_the_recipe(compared: list[Side]) -> None:
    found = figures(compared, TOKENISED, gpu=False)
    assert (found["cpu_ratio_128"], found["cpu_ratio_512"]) == (12, 60)


def test_what_needs_a_gpu_is_null_without_one(compared: list[Side]) -> None:
    assert figures(compared, TOKENISED, gpu=False)["gpu_ratio"] is None


def test_on_a_gpu_what_is_of_the_cpu_is_null() -> None:
    found = sides(gpu=True)
    for side in found:
        side.measured = [measured(100, 1)]
    ratios = figures(found, TOKENISED, gpu=True)
    assert (ratios["cpu_ratio_128"], ratios["gpu_ratio"]) == (None, 1)


def test_the_table_holds_the_figures_against_what_is_wanted(compared: list[Side]) -> None:
    lines = table(figures(compared, TOKENISED, gpu=False)).splitlines()
    assert [line.split()[0] for line in lines if "wanted" in line] == [
        name for name in GOALS if name != "gpu_ratio"
    ]


def test_operations_are_six_a_weight_of_a_layer_and_token() -> None:
    config = BertConfig(
        vocab_size=1000, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    model = BertForSequenceClassification(config)
    layers = 2 * (4 * 32 * 32 + 2 * 32 * 64) + 32 * 32 + 2 * 32
    assert training_measure.flops(model, tokens=10, length=0) == 6 * 10 * layers


def test_the_ceiling_is_above_what_anything_reaches() -> None:
    assert training_measure.ceiling(torch.device("cpu"), "no") > 1e9


@pytest.mark.parametrize("side", ["recipe", "trainer", "native"])
def test_a_worker_trains_and_says_what_it_measured(tmp_path: Path, side: str) -> None:
    tiny_model.write_checkpoint(tmp_path / "checkpoint")
    texts = [(text, "positive") for text in tiny_model.reviews(tiny_model.GOOD)]
    texts += [(text, "negative") for text in tiny_model.reviews(tiny_model.BAD)]
    write_jsonl(tmp_path / "texts.jsonl", [Row(text, (label,)) for text, label in texts * 4])
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.training_worker", side, "--pad=32", "--max=32"),
            *(f"--checkpoint={tmp_path / 'checkpoint'}", f"--texts={tmp_path / 'texts.jsonl'}"),
            *("--rows=200", "--seconds=10"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout.splitlines()[-1])
    assert 200 <= found["samples"] < 300
    assert found["seconds"] > 0
