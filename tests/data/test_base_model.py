"""The bundled base model: small, offline, and made for Korean."""

import json
import unicodedata
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

ROOT = Path(__file__).resolve().parents[2]
BASE_MODEL = ROOT / "data" / "base_model"
REVIEWS = ROOT / "data" / "reviews" / "reviews.tsv"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(BASE_MODEL, local_files_only=True)
    return loaded


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    loaded: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
        BASE_MODEL, local_files_only=True
    )
    return loaded


def test_the_folder_has_no_more_than_ten_megabytes() -> None:
    assert sum(path.stat().st_size for path in BASE_MODEL.iterdir()) <= 10_000_000


def test_weights_are_stored_in_half_precision_and_load_in_single(model: PreTrainedModel) -> None:
    assert json.loads((BASE_MODEL / "config.json").read_text(encoding="utf-8"))["torch_dtype"] == "float16"
    assert model.dtype == torch.float32


def test_every_weight_but_the_new_classifiers_comes_from_the_folder() -> None:
    _, loading = AutoModelForSequenceClassification.from_pretrained(BASE_MODEL, output_loading_info=True)
    assert {name.split(".")[0] for name in loading["missing_keys"]} == {"classifier"}


def test_a_batch_of_sentences_gives_two_logits_each(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    batch = tokenizer(["재미있어요", "이야기가 너무 지루해서 졸았다"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        assert model(**batch).logits.shape == (2, 2)


def test_texts_beyond_the_limit_are_truncated_to_what_the_model_takes(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    ids = tokenizer("재미있어요 " * 500, truncation=True)["input_ids"]
    assert len(ids) == model.config.max_position_embeddings


@pytest.mark.parametrize(
    "text",
    ["연기는 좋았는데 이야기가 지루했다", "뷰가 괜찮은 꿀잼 영화", "OST CG ㅋㅋㅋ ㅠㅠ ㅇㅈ 👍"],
)
def test_the_tokenizer_gives_back_the_text_in_whole_syllables(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_a_number_and_each_emoji_stand_by_themselves(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer.tokenize("10점👍😭") == ["10", "점", "👍", "😭"]


def test_no_review_has_an_unknown_piece(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = [line.split("\t")[1] for line in REVIEWS.read_text(encoding="utf-8").splitlines()[1:]]
    assert not [t for t in texts if tokenizer.unk_token_id in tokenizer(t)["input_ids"]]


def test_every_syllable_of_ks_x_1001_is_known_anywhere_in_a_word(tokenizer: PreTrainedTokenizerBase) -> None:
    rows, cells = range(0xB0, 0xC9), range(0xA1, 0xFF)
    syllables = [bytes((row, cell)).decode("euc_kr") for row in rows for cell in cells]
    assert len(syllables) == 2350
    vocabulary = tokenizer.get_vocab()
    assert not [s for s in syllables if s not in vocabulary or f"##{s}" not in vocabulary]


def test_jamo_that_come_apart_are_put_together(tokenizer: PreTrainedTokenizerBase) -> None:
    apart = unicodedata.normalize("NFD", "재미있어요")
    assert tokenizer(apart)["input_ids"] == tokenizer("재미있어요")["input_ids"]


def test_the_tokenizer_file_pads_and_cuts_nothing_by_itself() -> None:
    stored = json.loads((BASE_MODEL / "tokenizer.json").read_text(encoding="utf-8"))
    assert stored["padding"] is None
    assert stored["truncation"] is None


def test_what_made_it_names_no_file_of_one_machine() -> None:
    made = json.loads((BASE_MODEL / "pretraining.json").read_text(encoding="utf-8"))["arguments"]
    named = [*made["texts"], made["tokenizer"]]
    assert not [name for name in named if Path(name).is_absolute() or name.startswith(".")]
