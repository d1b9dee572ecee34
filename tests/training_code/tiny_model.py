"""A checkpoint small enough to be made, trained and served within a second or two."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordPieceTrainer
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

SUBJECTS = ["영화", "연기", "음악", "이야기", "결말", "장면", "배우", "감독", "대사", "화면"]
GOOD = ["정말 좋았어요", "최고예요 ㅋㅋ", "재미있어요", "감동이에요 10점", "또 보고 싶어요"]
BAD = ["정말 별로예요", "최악이에요 ㅠㅠ", "지루해요", "실망이에요 0점", "시간이 아까워요"]


def reviews(opinions: Sequence[str]) -> list[str]:
    return [f"{subject} {opinion}" for subject in SUBJECTS for opinion in opinions]


def _tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))  # noqa: S106  # no password
    tokenizer.normalizer = BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    trainer = WordPieceTrainer(vocab_size=600, special_tokens=_SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(reviews(GOOD) + reviews(BAD), trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, _SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        mask_token="[MASK]",  # noqa: S106
    )


def _config(tokenizer: PreTrainedTokenizerFast, **extra: object) -> BertConfig:
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        # As narrow as it is, it would learn hardly anything within a second from smaller weights.
        initializer_range=0.1,
        **extra,
    )


def write_checkpoint(folder: Path, **config: object) -> None:
    """Write a base checkpoint in half precision, without a head, of which `config` differs."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    BertModel(_config(tokenizer, **config)).half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_classifier(folder: Path, labels: Sequence[str], problem_type: str | None = None) -> None:
    """Write a classifier with random weights and the given labels."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    names = dict(enumerate(labels))
    config = _config(
        tokenizer,
        num_labels=len(labels),
        id2label=names,
        label2id={name: key for key, name in names.items()},
        problem_type=problem_type,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
