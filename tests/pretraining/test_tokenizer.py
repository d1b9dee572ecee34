from pathlib import Path

import pytest
from tokenizers import Tokenizer

from contract import UserError
from pretraining.tokenizer import CLS, MASK, PAD, SEP, SPECIAL, UNK, alphabet, balanced, build, learn, main
from tests.pretraining.conftest import PIECES


@pytest.fixture(scope="module")
def raw(tokenizer: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tokenizer / "tokenizer.json"))


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    found: list[str] = tokenizer.encode(text, add_special_tokens=False).tokens
    return found


def test_the_vocabulary_has_the_size_that_was_asked_for(raw: Tokenizer) -> None:
    assert raw.get_vocab_size() == PIECES


def test_special_tokens_have_the_ids_that_the_model_counts_on(raw: Tokenizer) -> None:
    assert [raw.token_to_id(token) for token in SPECIAL.values()] == [PAD, UNK, CLS, SEP, MASK]


def test_every_syllable_of_ks_x_1001_is_known_anywhere_in_a_word(raw: Tokenizer) -> None:
    syllables = [character for character in alphabet() if "가" <= character <= "힣"]
    assert len(syllables) == 2350
    for syllable in syllables:
        assert UNK not in raw.encode(f"{syllable} 가{syllable}").ids


def test_the_same_texts_give_the_same_vocabulary(reviews: list[str]) -> None:
    assert learn(reviews, PIECES) == learn(reviews, PIECES)


def test_frequent_words_are_one_piece(raw: Tokenizer) -> None:
    assert pieces(raw, "진짜") == ["진짜"]


def test_a_run_of_jamo_has_the_same_pieces_after_a_word_as_alone(raw: Tokenizer) -> None:
    assert pieces(raw, "재밌다ㅋㅋㅋㅋ") == pieces(raw, "재밌다 ㅋㅋㅋㅋ")


def test_a_long_run_of_jamo_is_few_pieces(raw: Tokenizer) -> None:
    assert len(pieces(raw, "ㅋ" * 20)) <= 10


def test_a_number_is_apart_from_what_counts(raw: Tokenizer) -> None:
    assert "점" in pieces(raw, "10점")


def test_an_unknown_emoji_takes_no_word_with_it(raw: Tokenizer) -> None:
    assert pieces(raw, "진짜🦄") == ["진짜", "[UNK]"]


def test_a_known_emoji_is_kept(raw: Tokenizer) -> None:
    assert pieces(raw, "진짜👍") == ["진짜", "👍"]


def test_decomposed_hangul_has_the_pieces_of_composed(raw: Tokenizer) -> None:
    assert pieces(raw, "\u1112\u1161\u11ab\u1100\u116e\u11a8") == pieces(raw, "한국")


def test_upper_and_lower_case_differ(raw: Tokenizer) -> None:
    assert pieces(raw, "CG") != pieces(raw, "cg")


def test_nothing_is_cut_or_padded(raw: Tokenizer) -> None:
    assert raw.truncation is None
    assert raw.padding is None


def test_characters_that_are_no_part_of_the_alphabet_are_learnt_if_frequent(reviews: list[str]) -> None:
    tokenizer = build(learn([*reviews, "뷁"], PIECES))
    assert UNK not in tokenizer.encode("뷁 가뷁").ids


def test_a_vocabulary_smaller_than_the_alphabet_is_refused() -> None:
    with pytest.raises(UserError, match="100 pieces are too few"):
        learn(["좋다"], 100)


def test_as_much_is_taken_of_each_file_as_the_shortest_has() -> None:
    short, long = ["가나다", "라마"], ["가가가가", "나", "다다다"]
    assert balanced([short, long]) == ["가나다", "라마", "가가가가", "나"]


def test_texts_too_few_for_the_vocabulary_are_refused(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fewer than 10000: give more text"):
        main(["--texts", str(texts), "--output", str(tmp_path)])
