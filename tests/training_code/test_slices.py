import unicodedata

import pytest

from normalisation import normalise
from slices import SLICES


def slices_of(text: str) -> set[str]:
    return {name for name, contains in SLICES.items() if contains(normalise(text))}


@pytest.mark.parametrize(
    ("length", "name"), [(1, "short"), (15, "short"), (16, "medium"), (50, "medium"), (51, "long")]
)
def test_every_length_belongs_to_one_slice(length: int, name: str) -> None:
    assert slices_of("가" * length) == {name}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("OST가 좋다", "latin"),
        ("ＣＧ 최고", "latin"),
        ("café", "latin"),
        ("10점", "digits"),
        ("１０점", "digits"),
        ("재밌다 ㅋㅋ", "slang"),
        ("슬프다ㅠ", "slang"),
        ("ㅇㅈ", "slang"),
        ("안 봤다", "negation"),
        ("안봤다", "negation"),
        ("못 봐주겠다", "negation"),
        ("이해못하는", "negation"),
        ("좋지 않다", "negation"),
        ("재미없다", "negation"),
        ("이건 영화가 아니다", "negation"),
        ("영화도아님", "negation"),
        ("보지마세요", "negation"),
        ("보지 말고", "negation"),
    ],
)
def test_a_text_is_put_where_it_belongs(text: str, name: str) -> None:
    assert slices_of(text) - {"short", "medium", "long"} == {name}


@pytest.mark.parametrize(
    "text",
    [
        "정말 재미있게 봤어요!",
        "안녕하세요",
        "안타깝다",
        "극장 안에서",
        "그 피아니스트",
        "감독의 잘못",
        "마지막까지 최고",
        "지루하지만 본다",
        "×÷ :) ♥",
    ],
)
def test_a_text_is_not_put_where_it_does_not_belong(text: str) -> None:
    assert slices_of(text) <= {"short", "medium", "long"}


def test_a_text_in_decomposed_letters_is_normalised_before_it_is_looked_at() -> None:
    """As macOS writes it: every syllable is letters until it has been composed."""
    assert "slang" not in slices_of(unicodedata.normalize("NFD", "재미있다"))


def test_a_text_may_be_in_several() -> None:
    assert slices_of("CG는 10점인데 재미없음ㅋㅋ") == {"medium", "latin", "digits", "slang", "negation"}


def test_every_slice_says_what_it_holds() -> None:
    assert all(contains.__doc__ for contains in SLICES.values())
