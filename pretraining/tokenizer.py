"""The tokenizer: WordPiece for Korean as people type it: cased, NFC, jamo (ㅋㅋ, ㅠㅠ) and emoji kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from arguments import parse
from contract import UserError
from pretraining import command
from pretraining.texts import read_lines

SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
PAD, UNK, CLS, SEP, MASK = range(len(SPECIAL))  # their ids
MAX_LENGTH = 256
"""Tokens that the model has positions for, [CLS] and [SEP] included."""

VOCABULARY = 10_000
# Beside those that must be there: syllables such as 엌 and 뷁, Chinese characters, marks.
_FREQUENT_CHARACTERS = 300
_BEGINS_WORD = "▁"

# A run of one of these is a word of its own, so that 재밌다ㅋㅋㅋ has the pieces of 재밌다 and of ㅋㅋㅋ.
_JAMO = r"[ㄱ-ㆎ]+"
# One of these is a word of its own: an emoji that is not in the vocabulary costs no word beside it.
_SYMBOL = r"[\p{So}\p{Sk}\x{FE0F}]"


@dataclass
class Arguments:
    """Arguments of tokenizer.py."""

    texts: list[str] = field(
        metadata={"help": "files that corpus.py wrote; as much of each is read as the shortest has"}
    )
    output: str = field(metadata={"help": "the folder to write the tokenizer to"})


def alphabet() -> list[str]:
    """Return the characters that the tokenizer must know whatever the text: what people type in Korean."""
    # KS X 1001 holds the 2,350 syllables in use; Python knows it as EUC-KR, rows B0 to C8.
    syllables = [
        bytes((row, cell)).decode("euc_kr") for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)
    ]
    jamo = [chr(code) for code in range(ord("ㄱ"), ord("ㅣ") + 1)]
    ascii_ = [chr(code) for code in range(0x21, 0x7F)]
    emoji = (
        "♥♡★☆♪♬❤\ufe0f💕💖💗💙💚💛💜🖤💔👍👎👏🙏👌💪🔥✨⭐🌟🎉🎬🍿"
        "😀😁😂🤣😃😄😅😆😊😍🥰😘😎🤔😐😑😒😓😔😞😡🤬😠😢😭😥😨😱😴🤮💩"
    )
    return list(dict.fromkeys([*ascii_, *"…·~“”‘’「」『』", *emoji, *jamo, *syllables]))


def pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    """Return what cuts a text into words: at blanks, and around runs of jamo, digits or punctuation."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(_JAMO), "isolated"),
            pre_tokenizers.Split(Regex(_SYMBOL), "isolated"),
            pre_tokenizers.Digits(),
            pre_tokenizers.Punctuation("contiguous"),
        ]
    )


def learn(texts: Sequence[str], size: int) -> list[str]:
    """Return a vocabulary of `size` pieces: special tokens, the alphabet, and what is frequent in the texts.

    The same texts give the same pieces.

    Raises:
        UserError: the alphabet alone is more than `size`, or the texts are too few for as many pieces.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    must = alphabet()
    others = sorted(counts.keys() - {*must, " "}, key=lambda character: (-counts[character], character))
    characters = [*must, *others[:_FREQUENT_CHARACTERS]]
    known = set(characters)
    vocabulary = dict.fromkeys([*SPECIAL.values(), *characters, *(f"##{c}" for c in characters)])
    if len(vocabulary) > size:
        raise UserError(f"{size} pieces are too few: the alphabet alone has {len(vocabulary)}")

    # BPE with a mark where a word begins, as the WordPiece trainer breaks ties in another way each time.
    learnt = Tokenizer(models.BPE())
    learnt.normalizer = _normalizer()
    marked = pre_tokenizers.Metaspace(_BEGINS_WORD, prepend_scheme="always", split=False)
    learnt.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizer(), marked])
    # Each further piece may be one that the alphabet holds already: 가 at the beginning of a word.
    trainer = trainers.BpeTrainer(vocab_size=len(counts) + 2 * size, show_progress=False)
    learnt.train_from_iterator(texts, trainer)
    for piece, _ in sorted(learnt.get_vocab().items(), key=lambda item: item[1]):
        if len(vocabulary) == size:
            break
        letters = piece.removeprefix(_BEGINS_WORD)
        if letters and known.issuperset(letters):
            vocabulary.setdefault(letters if letters != piece else f"##{piece}")
    if len(vocabulary) < size:
        raise UserError(f"the texts give {len(vocabulary)} pieces, fewer than {size}: give more text")
    return list(vocabulary)


def _normalizer() -> normalizers.Normalizer:
    # strip_accents would break Hangul into jamo.
    bert = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )
    return normalizers.Sequence([normalizers.NFC(), bert])


def build(vocabulary: Iterable[str]) -> Tokenizer:
    """Return the WordPiece tokenizer of a vocabulary; it cuts and pads nothing by itself."""
    ids = {piece: index for index, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    return tokenizer


def balanced(files: Iterable[Iterable[str]]) -> list[str]:
    """Return the texts of all files, of the longer ones only as many characters as the shortest has.

    Otherwise the vocabulary would be that of the longest file.
    """
    read = [list(file) for file in files]
    limit = min(sum(map(len, texts)) for texts in read)
    taken = []
    for texts in read:
        length = 0
        for text in texts:
            length += len(text)
            if length > limit:
                break
            taken.append(text)
    return taken


def main(argv: Sequence[str] | None = None) -> None:
    """Write the folder."""
    arguments = parse(Arguments, argv)
    texts = balanced(read_lines(Path(path)) for path in arguments.texts)
    tokenizer = build(learn(texts, VOCABULARY))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=MAX_LENGTH, **SPECIAL
    ).save_pretrained(arguments.output)
    print(
        f"[tokenizer] {tokenizer.get_vocab_size():,} pieces from {len(texts):,} texts: {arguments.output}",
        flush=True,
    )


if __name__ == "__main__":
    command(main)
