from __future__ import annotations

import pytest

from review.values import difference

LONG = "s3://bucket/" + "a/" * 100


@pytest.mark.parametrize(
    ("value", "said"), [("x", "x"), ("", '""'), (True, "true"), (8, "8"), (["가"], '["가"]')]
)
def test_a_value_that_is_new_is_said_in_a_line(value: object, said: str) -> None:
    assert (difference("P", None, value).before, difference("P", None, value).after) == (None, said)


def test_long_texts_keep_what_differs() -> None:
    found = difference("P", f"{LONG}train/{LONG}", f"{LONG}test/{LONG}")
    assert found.before and "rain/" in found.before and len(found.before) < 90


def test_texts_with_the_same_end_keep_what_differs() -> None:
    found = difference("P", "a" * 200, "a" * 201)
    assert (found.before, found.after) != (None, None) and found.before != found.after


def test_long_values_are_the_lines_that_differ() -> None:
    before = [{"Id": "one", "Days": number, "Prefix": "reviews/"} for number in range(5)]
    after = [*before[:4], {"Id": "one", "Days": 90, "Prefix": "reviews/"}]
    changed = [line for line in difference("P", before, after).lines if line[0] in "+-"]
    assert changed == ['-     "Days": 4,', '+     "Days": 90,']


def test_a_long_value_that_is_new_is_all_its_lines() -> None:
    lines = difference("P", None, {"Statement": ["가" * 40, "나" * 40, "다" * 40]}).lines
    assert [line[0] for line in lines] == ["+"] * 7


def test_places_far_from_each_other_stand_apart() -> None:
    before = {str(number): number for number in range(100)}
    lines = difference("P", before, {**before, "3": "셋", "90": "구십"}).lines
    assert "  …" in lines
