"""Build data/base_model: a tiny BERT for Korean reviews, pre-trained for two minutes on this folder's text.

It stands in for a real base checkpoint, so that the demo needs no download. Pre-training sees no label,
and no review that prepare.py puts into the test split. Run `python -m data.build_base_model`; the
same machine gives the same bytes.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from data.generate import unlabelled

BASE_MODEL = Path(__file__).resolve().parent / "base_model"

SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
PAD, UNK, CLS, SEP, MASK = range(len(SPECIAL))  # their ids
PIECES = 700  # learnt from the text, beside the alphabet
MAX_LENGTH = 128

SEED = 7
SENTENCES = 26_000
EPOCHS = 4
BATCH = 32
LEARNING_RATE = 1e-3
MASKED = 0.25


def alphabet() -> list[str]:
    """Return the characters that the tokenizer must know whatever the text: what people type in Korean."""
    # KS X 1001 holds the 2,350 syllables in use; Python knows it as EUC-KR, rows B0 to C8.
    syllables = [
        bytes((row, cell)).decode("euc_kr") for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)
    ]
    jamo = [chr(code) for code in range(ord("ㄱ"), ord("ㅣ") + 1)]
    ascii_ = [chr(code) for code in range(0x21, 0x7F)]
    return [*ascii_, *"…·~“”‘’♥♡★☆♪❤️👍👎😂😭😍😊😡", *jamo, *syllables]


def build_tokenizer(texts: list[str]) -> Tokenizer:
    """Return a WordPiece tokenizer that keeps Hangul syllables whole and pads nothing by itself."""
    pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # Every word once: by frequency, the grammar's whole words would become pieces, of no use for other words.
    words = sorted({word for text in texts for word, _ in pre_tokenizer.pre_tokenize_str(text)})
    # Trained as BPE, as the WordPiece trainer breaks ties in another way each time.
    learnt = Tokenizer(models.BPE())
    size = len({character for word in words for character in word}) + PIECES
    learnt.train_from_iterator(words, trainers.BpeTrainer(vocab_size=size, show_progress=False))
    found = [piece for piece, _ in sorted(learnt.get_vocab().items(), key=lambda item: item[1])]
    pieces = [form for piece in found for form in (piece, f"##{piece}")]
    characters = list(dict.fromkeys(alphabet()))
    vocabulary = dict.fromkeys([*SPECIAL.values(), *characters, *(f"##{c}" for c in characters), *pieces])

    ids = {piece: index for index, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    return tokenizer


def pretrain(tokenizer: Tokenizer, texts: list[str]) -> BertModel:
    """Return a BERT that has learnt to fill in masked pieces, and to name a text's pieces from its [CLS]."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the sums, and so the bytes, depend on how work is shared out
    vocabulary = tokenizer.get_vocab_size()
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=MAX_LENGTH,
        pad_token_id=PAD,
    )
    model = BertModel(config)
    bias = torch.zeros(2, vocabulary, requires_grad=True)
    rows = [torch.tensor(tokenizer.encode(text).ids) for text in texts]
    steps = EPOCHS * (len(rows) // BATCH)
    optimizer = torch.optim.AdamW([*model.parameters(), bias], lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    first_piece = len(SPECIAL)
    for epoch in range(EPOCHS):
        # Texts of about one length share a batch: less padding.
        noise = torch.rand(len(rows)) * 4
        by_length = sorted(range(len(rows)), key=lambda i: len(rows[i]) + noise[i].item())
        batches = torch.tensor(by_length[: len(rows) // BATCH * BATCH]).reshape(-1, BATCH)
        total = 0.0
        for batch in (batches[i] for i in torch.randperm(len(batches))):
            ids = torch.nn.utils.rnn.pad_sequence([rows[i] for i in batch], batch_first=True)
            masked = (torch.rand(ids.shape) < MASKED) & (ids >= first_piece)
            output = model(ids.masked_fill(masked, MASK), attention_mask=(ids != PAD).long())
            embeddings = model.embeddings.word_embeddings.weight
            filled = output.last_hidden_state[masked] @ embeddings.T + bias[0]
            # The pooled [CLS] vector names the text's pieces, so that it starts out as a summary of the text.
            pieces = torch.zeros(len(ids), vocabulary).scatter_(1, ids, 1.0)
            pieces[:, :first_piece] = 0
            named = output.pooler_output @ embeddings.T + bias[1]
            loss = cross_entropy(filled, ids[masked]) + cross_entropy(
                named, pieces / pieces.sum(1, keepdim=True)
            )
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {total / (len(rows) // BATCH):.3f}", flush=True)
    return model


def main() -> None:
    """Build the folder."""
    texts = unlabelled(SENTENCES, SEED)
    tokenizer = build_tokenizer(texts)
    print(f"{len(texts)} texts, {tokenizer.get_vocab_size()} pieces", flush=True)
    model = pretrain(tokenizer, texts)
    model.half().save_pretrained(BASE_MODEL)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=MAX_LENGTH, **SPECIAL
    ).save_pretrained(BASE_MODEL)


if __name__ == "__main__":
    main()
