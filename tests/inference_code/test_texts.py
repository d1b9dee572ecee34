import time
import unicodedata

import pytest

from refusals import RequestError
from texts import MOST_CHARACTERS, MOST_MARKS, check_number, normalised

# A family, joined of four by zero-width joiners, of which each has a skin tone.
FAMILY = "👨🏽‍👩🏽‍👧🏽‍👦🏽"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param(unicodedata.normalize("NFD", "재미있다"), "재미있다", id="NFD is composed"),
        pytest.param("재미있다", "재미있다", id="NFC stays"),
        pytest.param("ㅋㅋㅋ ㅠㅠ ㅇㅈ", "ㅋㅋㅋ ㅠㅠ ㅇㅈ", id="jamo stay"),
        pytest.param("\u1112\u1161\u11ab", "한", id="conjoining jamo become a syllable"),
        pytest.param("\u1112\u1161", "하", id="conjoining jamo without a last consonant too"),
        pytest.param("\u1112", "\u1112", id="one conjoining jamo alone stays"),
        pytest.param("ﾡ ＯＫ ！", "ﾡ ＯＫ ！", id="half-width jamo and full-width letters stay"),
        pytest.param(f"{FAMILY} 최고", f"{FAMILY} 최고", id="joined emoji stay one"),
        pytest.param("👍🏽 ❤️ 🇰🇷", "👍🏽 ❤️ 🇰🇷", id="skin tones, variants and flags stay"),
        pytest.param("재\u200b미\u200d있\ufeff다", "재미있다", id="zero-width characters go"),
        pytest.param("재미\u3164있다\u3000\t", "재미 있다", id="every blank is a space, and one"),
        pytest.param("좋다\x00\x07", "좋다", id="control characters go"),
    ],
)
def test_a_text_is_read_as_it_was_for_training(text: str, read: str) -> None:
    assert normalised(text, "inputs") == read


def test_a_repeat_of_a_hundred_thousand_is_read_as_it_is() -> None:
    assert normalised("ㅋ" * MOST_CHARACTERS, "inputs") == "ㅋ" * 100_000


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u3000", "\u3164", "\u200b", "\ufeff", "\x00", "\u2800"])
def test_a_text_without_a_visible_character_is_refused(text: str) -> None:
    with pytest.raises(RequestError) as error:
        normalised(text, "inputs[3]")
    assert error.value.as_json()["error"] == {
        "code": "empty_text",
        "message": "the text has no visible character; leave it out, or send some text",
        "where": "inputs[3]",
    }


def test_a_longer_text_is_refused() -> None:
    with pytest.raises(RequestError, match="has 100001 characters; send at most 100000") as error:
        normalised("ㅋ" * (MOST_CHARACTERS + 1), "inputs")
    assert (error.value.status, error.value.code) == (413, "text_too_long")


@pytest.mark.parametrize("half", ["\ud83d", "\udc4d"])
def test_half_an_emoji_is_refused_and_shown_in_ascii(half: str) -> None:
    with pytest.raises(RequestError) as error:
        normalised(f"좋다{half}", "inputs")
    assert error.value.code == "half_character"
    assert f"character 2 of the text is '\\u{ord(half):x}'" in error.value.message


@pytest.mark.parametrize("between", ["", "\u200b", "\u200d", "\x00"])
def test_marks_without_end_are_refused_at_once(between: str) -> None:
    """Unicode's canonical order takes a quadratic time: minutes for as many as a text may have."""
    text = "가" + f"\u0315{between}\u0300{between}" * (MOST_CHARACTERS // 4 - 1)
    start = time.monotonic()
    with pytest.raises(RequestError, match="more than 500 combining marks"):
        normalised(text, "inputs")
    assert time.monotonic() - start < 1


def test_a_long_text_with_marks_on_every_letter_is_read() -> None:
    text = unicodedata.normalize("NFD", "Việt Nam ") * MOST_MARKS
    assert normalised(text, "inputs") == ("Việt Nam " * MOST_MARKS).strip()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "a boolean"),
        (3, "a number"),
        (0.5, "a number"),
        (["가"], "a list"),
        ({}, "an object"),
    ],
)
def test_what_is_no_text_is_named(value: object, kind: str) -> None:
    with pytest.raises(RequestError, match=f"it must be a text, not {kind}"):
        normalised(value, "inputs")


def test_as_many_texts_as_the_limit_are_enough() -> None:
    check_number(3, 3, "inputs")
    check_number(10**9, None, "inputs")
    with pytest.raises(RequestError, match="there are 4 texts; send at most 3 in a request") as error:
        check_number(4, 3, "inputs")
    assert (error.value.status, error.value.code) == (413, "too_many_texts")
