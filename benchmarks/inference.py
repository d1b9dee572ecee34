"""How long one sentence takes on one core: the bundled base model beside KoELECTRA-small-v3's shape.

    .venv/bin/python -m benchmarks.inference

Both run in PyTorch, in float32, and take the same tokens: those that the bundled tokenizer makes of the
bundled reviews. They take turns, so that a slow moment of the machine is no one model's. KoELECTRA's weights
are not needed, as time depends on shapes.
"""

from __future__ import annotations

import statistics
from itertools import islice
from pathlib import Path
from time import perf_counter

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    ElectraForSequenceClassification,
    PreTrainedModel,
)

from benchmarks.serving_base import CONFIG
from data.generate import REVIEWS

BASE_MODEL = Path(__file__).resolve().parent.parent / "data" / "base_model"
SENTENCES = 300


def seconds(model: PreTrainedModel, ids: torch.Tensor) -> float:
    """The time of one answer; `ids` has shape (1, tokens)."""
    began = perf_counter()
    model(input_ids=ids)
    return perf_counter() - began


def main() -> None:
    """Print the median of both, and its ratio."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(BASE_MODEL)
    models = {
        "nunchi-mini": AutoModelForSequenceClassification.from_pretrained(BASE_MODEL).float().eval(),
        "KoELECTRA-small-v3's shape": ElectraForSequenceClassification(CONFIG).eval(),
    }
    with REVIEWS.open(encoding="utf-8") as lines:
        texts = [line.split("\t")[1] for line in islice(lines, 1, SENTENCES + 1)]
    encoded = [tokenizer(text, return_tensors="pt")["input_ids"] for text in texts]
    with torch.inference_mode():
        for model in models.values():
            for ids in encoded[:20]:
                seconds(model, ids)
        taken = [[seconds(model, ids) for model in models.values()] for ids in encoded]
    ours, theirs = (statistics.median(column) for column in zip(*taken, strict=True))
    for name, value in zip(models, (ours, theirs), strict=True):
        print(f"{name}: {1000 * value:.2f} ms a sentence")
    tokens = statistics.median(ids.numel() for ids in encoded)
    print(f"ratio {ours / theirs:.2f}, at a median of {tokens:.0f} tokens a sentence")


if __name__ == "__main__":
    main()
