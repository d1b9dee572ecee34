import pytest

from contract import UserError
from problems import Problems, quoted


def test_nothing_wrong_raises_nothing() -> None:
    Problems().raise_if_any()


def test_a_rule_is_told_once_with_its_first_places_and_how_many_more() -> None:
    problems = Problems()
    for line in range(1, 1006):
        problems.add("rule: mend it", f"a.tsv:{line}")
    problems.add("whole: mend that")
    with pytest.raises(UserError) as raised:
        problems.raise_if_any()
    assert str(raised.value).splitlines() == [
        "rule: mend it",
        "  a.tsv:1",
        "  a.tsv:2",
        "  a.tsv:3",
        "  and 1,002 more",
        "whole: mend that",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [("좋다", "'좋다'"), ("가" * 41, f"'{'가' * 40}'…"), (5, "5"), ("\ud800\n", r"'\ud800\n'")],
)
def test_a_value_is_shown_as_far_as_it_can_be_read(value: object, shown: str) -> None:
    assert quoted(value) == shown
