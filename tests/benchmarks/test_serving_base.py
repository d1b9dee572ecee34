from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, ElectraConfig

from benchmarks import serving_base
from tests.training_code.tiny_model import BAD, GOOD, reviews

TEXTS = [*reviews(GOOD), *reviews(BAD)]
ROWS = [{"text": text, "label": "positive" if text in reviews(GOOD) else "negative"} for text in TEXTS]


def test_the_tokenizer_has_the_size_of_koelectras_and_keeps_syllables_whole() -> None:
    tokenizer = serving_base.build_tokenizer(TEXTS)
    assert tokenizer.get_vocab_size() == 35_000
    pieces = tokenizer.encode(TEXTS[0]).tokens
    assert "".join(piece.removeprefix("##") for piece in pieces[1:-1]) == TEXTS[0].replace(" ", "")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small = {"embedding_size": 16, "hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 16}
    monkeypatch.setattr(serving_base, "CONFIG", ElectraConfig(vocab_size=2_000, **small))
    monkeypatch.setattr(serving_base, "LEARNING_RATE", 0.1)
    monkeypatch.setattr(serving_base, "BATCH", 8)
    serving_base.write(ROWS * 4, tmp_path)
    return tmp_path


def test_the_labels_can_be_told_from_the_embeddings_of_the_checkpoint(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    words = AutoModelForSequenceClassification.from_pretrained(base).get_input_embeddings().weight
    texts = torch.stack([words[tokenizer.encode(text)].mean(0) for text in TEXTS])
    good = torch.tensor([row["label"] == "positive" for row in ROWS])
    direction = texts[good].mean(0) - texts[~good].mean(0)
    along = texts @ direction
    called_good = along > (along[good].mean() + along[~good].mean()) / 2
    assert (called_good == good).float().mean() > 0.9
