from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

import encoding
from encoding import encode
from rows import Row

LABELS = {"a": 0, "b": 1, "c": 2}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(encoding, "cached_assets_path", lambda **_: tmp_path)
    return tmp_path


@pytest.fixture
def tokenizer(checkpoint: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(checkpoint)


def test_the_tokens_of_a_row_are_the_tokenizers(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = ["영화 좋았어요", "음악", "결말 또 보고 싶어요"]
    encoded = encode([Row(text, ("a",)) for text in texts], LABELS, tokenizer, 24)
    found = [
        encoded.ids[end - length : end].tolist()
        for end, length in zip(encoded.ends, encoded.lengths, strict=True)
    ]
    assert found == tokenizer(texts)["input_ids"]


def test_a_long_text_is_cut(tokenizer: PreTrainedTokenizerBase) -> None:
    assert encode([Row("음악 " * 100, ("a",))], LABELS, tokenizer, 24).lengths.tolist() == [24]


def test_several_labels_are_a_row_of_ones_and_zeros(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = [Row("음악", labels, multi_label=True) for labels in ((), ("c", "a"))]
    assert encode(rows, LABELS, tokenizer, 24).labels.tolist() == [[0, 0, 0], [1, 0, 1]]


def test_the_same_texts_are_not_tokenised_again(
    tokenizer: PreTrainedTokenizerBase, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row("영화 좋았어요", ("a",)), Row("음악", ("b",))]
    first = encode(rows, LABELS, tokenizer, 24)
    monkeypatch.setattr(encoding, "_tokenise", None)
    again = encode(rows, LABELS, tokenizer, 24)
    assert np.array_equal(first.ids, again.ids)
    assert np.array_equal(first.ends, again.ends)


@pytest.mark.parametrize(
    ("rows", "longest"),
    [
        ([Row("영화 좋았어요", ("a",)), Row("음악 감동이에요", ("b",))], 24),
        ([Row("영화 좋았어요", ("a",)), Row("음악", ("b",))], 3),
        ([Row("영화", ("a",), "좋았어요"), Row("음악", ("b",), "음악")], 24),
    ],
    ids=["another text", "another length", "pairs"],
)
def test_what_differs_is_tokenised_anew(
    tokenizer: PreTrainedTokenizerBase, cache: Path, rows: list[Row], longest: int
) -> None:
    encode([Row("영화 좋았어요", ("a",)), Row("음악", ("b",))], LABELS, tokenizer, 24)
    encode(rows, LABELS, tokenizer, longest)
    assert len(list(cache.iterdir())) == 2


def test_a_broken_cache_is_made_anew(tokenizer: PreTrainedTokenizerBase, cache: Path) -> None:
    rows = [Row("영화 좋았어요", ("a",))]
    whole = encode(rows, LABELS, tokenizer, 24)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert np.array_equal(encode(rows, LABELS, tokenizer, 24).ids, whole.ids)
