"""The bundled reviews: what prepare.py, the tests and the demo count on."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from data import generate

REVIEWS = Path(__file__).resolve().parents[2] / "data" / "reviews" / "reviews.tsv"


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    return [line.split("\t") for line in REVIEWS.read_text(encoding="utf-8").split("\n")[1:-1]]


def test_the_generator_gives_the_committed_bytes() -> None:
    assert generate.tsv(generate.reviews()).encode("utf-8") == REVIEWS.read_bytes()


def test_the_file_has_the_shape_of_nsmc(rows: list[list[str]]) -> None:
    assert REVIEWS.read_bytes().startswith(b"id\tdocument\tlabel\n")
    assert [row[0] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    assert {len(row) for row in rows} == {3}


def test_there_are_enough_distinct_texts(rows: list[list[str]]) -> None:
    assert len({row[1] for row in rows}) == len(rows) >= 1200


def test_no_two_texts_differ_in_marks_and_spaces_only(rows: list[list[str]]) -> None:
    assert len({generate.essence(row[1]) for row in rows}) == len(rows)


def test_both_labels_have_their_half(rows: list[list[str]]) -> None:
    counts = Counter(row[2] for row in rows)
    assert set(counts) == {"0", "1"}
    assert all(0.45 <= count / len(rows) <= 0.55 for count in counts.values())


def test_texts_are_short_clean_nfc(rows: list[list[str]]) -> None:
    for _, text, _ in rows:
        assert text == " ".join(unicodedata.normalize("NFC", text).split())
        assert text.isprintable()
        assert 5 <= len(text) <= 80


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("연기", "연기가"), ("결말", "결말이"), ("CG", "CG가"), ("OST", "OST가"), ("BGM", "BGM이")],
)
def test_the_particle_follows_the_final_consonant(noun: str, expected: str) -> None:
    assert generate.subject(noun) == expected


@pytest.mark.parametrize(
    ("stem", "infinitive", "kind", "past", "before_n", "polite"),
    [
        ("지루하", "지루해", "", "지루했", "지루하", "지루해요"),
        ("아름답", "아름다워", "", "아름다웠", "아름답", "아름다워요"),
        ("길", "길어", "", "길었", "기", "길어요"),
        ("감동적이", "감동적이어", "n", "감동적이었", "감동적이", "감동적이에요"),
        ("최고", "최고여", "n", "최고였", "최고", "최고예요"),
    ],
)
def test_predicates_take_the_right_endings(
    stem: str, infinitive: str, kind: str, past: str, before_n: str, polite: str
) -> None:
    predicate = generate.Predicate(stem, infinitive, kind)
    assert (predicate.past, predicate.before_n, predicate.polite) == (past, before_n, polite)
