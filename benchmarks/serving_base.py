"""The base checkpoint of benchmarks/serving.py's model: KoELECTRA-small-v3's shape, and a start on NSMC.

    python -m benchmarks.serving_base ROWS.JSONL FOLDER

Time and memory depend on shapes, so KoELECTRA's weights and vocabulary are not needed; the number of tokens
that a review becomes is as KoELECTRA's too. The embeddings are fitted as a bag of pieces, which takes
seconds: from random ones, twelve layers would take hours to learn anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import ElectraConfig, ElectraModel, PreTrainedTokenizerFast

from pretraining.tokenizer import CLS, PAD, SEP, SPECIAL

# https://huggingface.co/monologg/koelectra-small-v3-discriminator/blob/main/config.json
CONFIG = ElectraConfig(
    vocab_size=35_000,
    embedding_size=128,
    hidden_size=256,
    num_hidden_layers=12,
    num_attention_heads=4,
    intermediate_size=1024,
)
# So many, learnt from NSMC itself, make 22.8 tokens of a review; KoELECTRA's vocabulary makes 22.7.
PIECES = 6_800
LONGEST = 128
BATCH = 256
LEARNING_RATE = 5e-3


def build_tokenizer(texts: Sequence[str]) -> Tokenizer:
    """Return a WordPiece tokenizer with `PIECES` learnt entries, filled up to the size of KoELECTRA's."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=PIECES, special_tokens=list(SPECIAL.values()), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = tokenizer.get_vocab()
    vocabulary |= {f"[unused{index}]": index for index in range(len(vocabulary), CONFIG.vocab_size)}
    tokenizer.model = models.WordPiece(vocabulary, unk_token=SPECIAL["unk_token"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    return tokenizer


def fit_embeddings(model: ElectraModel, texts: Sequence[torch.Tensor], labels: torch.Tensor) -> None:
    """Teach the embeddings, in one pass, to tell the labels apart by the mean over a text.

    `texts` are ids, each text's (tokens,); `labels` (texts,) 0 or 1.
    """
    # The optimiser would go through the unused ones at every step.
    used = 1 + max(int(ids.max()) for ids in texts)
    words = model.embeddings.word_embeddings.weight
    pieces = torch.nn.Embedding(used, CONFIG.embedding_size, _weight=words[:used].detach().clone())
    head = torch.nn.Linear(CONFIG.embedding_size, 2)
    optimizer = torch.optim.AdamW([*pieces.parameters(), *head.parameters()], lr=LEARNING_RATE)
    # Texts of one length share a batch.
    order = torch.tensor(sorted(range(len(texts)), key=lambda index: len(texts[index])))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=len(batches), pct_start=0.1
    )
    for number in torch.randperm(len(batches)).tolist():
        ids = pad_sequence([texts[index] for index in batches[number]], batch_first=True, padding_value=PAD)
        there = (ids != PAD).unsqueeze(-1)
        embedded = model.embeddings(inputs_embeds=pieces(ids)) * there
        loss = cross_entropy(head(embedded.sum(1) / there.sum(1)), labels[batches[number]])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        words[:used] = pieces.weight


def write(rows: Sequence[dict[str, str]], folder: Path) -> None:
    """Write the checkpoint of `{"text", "label"}` rows, labelled negative or positive."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer([row["text"] for row in rows])
    model = ElectraModel(CONFIG)
    encodings = tokenizer.encode_batch([row["text"] for row in rows])
    fit_embeddings(
        model,
        [torch.tensor(encoding.ids[:LONGEST]) for encoding in encodings],
        torch.tensor([int(row["label"] == "positive") for row in rows]),
    )
    model.save_pretrained(folder)
    saved = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=CONFIG.max_position_embeddings, **SPECIAL
    )
    saved.save_pretrained(folder)


if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        write([json.loads(line) for line in lines], Path(sys.argv[2]))
