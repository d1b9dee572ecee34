import unicodedata

import pytest

from normalisation import normalise


@pytest.mark.parametrize(
    "text",
    [
        "10점 만점에 9.5점",
        "OST와 CG가 best of best!!",
        "ㅋㅋㅋㅋ ㅠㅠ ㅇㅈ",
        "최고 👍🏽 ❤️",
        "👨‍👩‍👧와 함께",
        "???!!! ~~ ^^;; …",
        "“인생 영화”",
        "漢字도 ひらがな도",
    ],
)
def test_digits_latin_letters_jamo_and_emoji_stay(text: str) -> None:
    assert normalise(text) == text


def test_decomposed_hangul_is_composed() -> None:
    assert normalise(unicodedata.normalize("NFD", "재미있다")) == "재미있다"


def test_compatibility_jamo_are_not_folded() -> None:
    assert normalise("ㅋ") == "\u314b"


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2028", "\u3164", "\u2800"])
def test_blanks_collapse_into_one_space(blank: str) -> None:
    assert normalise(f"{blank}정말{blank}{blank}좋다{blank}") == "정말 좋다"


@pytest.mark.parametrize(
    "invisible", ["\u200b", "\u200c", "\u200d", "\ufeff", "\u00ad", "\u202e", "\x00", "\x7f"]
)
def test_control_and_zero_width_characters_go(invisible: str) -> None:
    assert normalise(f"정{invisible}말") == "정말"


def test_half_a_surrogate_pair_goes() -> None:
    assert normalise("좋다\ud83d") == "좋다"


@pytest.mark.parametrize("text", ["", " ", "\u200b\u3164\n"])
def test_a_text_of_nothing_visible_is_empty(text: str) -> None:
    assert normalise(text) == ""


def test_twice_is_as_good_as_once() -> None:
    text = "".join(chr(code) for code in range(0x3200)) + "👨\u200d\u200b\u200d👧 \u1112\u200b\u1161\u11ab"
    assert normalise(normalise(text)) == normalise(text)
