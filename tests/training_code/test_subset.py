from collections import Counter

import pytest

from rows import Row
from subset import subset

ROWS = [
    Row(f"{label} {number}", (label,)) for label, count in (("a", 700), ("b", 300)) for number in range(count)
]


@pytest.mark.parametrize("size", [0.1, 100])
def test_each_label_has_its_share(size: float) -> None:
    assert Counter(row.label for row in subset(ROWS, size, seed=1)) == {"a": 70, "b": 30}


def test_the_whole_is_as_it_was() -> None:
    assert subset(ROWS, 1.0, seed=1) == ROWS


def test_more_rows_than_there_are_is_all_of_them() -> None:
    assert subset(ROWS, 5000, seed=1) == ROWS


def test_a_seed_takes_the_same_rows_at_every_start_and_another_others() -> None:
    assert subset(ROWS, 0.1, seed=1) == subset(ROWS, 0.1, seed=1) != subset(ROWS, 0.1, seed=2)


def test_a_rare_label_is_not_lost() -> None:
    assert subset([*ROWS, Row("c", ("c",))], 0.01, seed=1)[-1].label == "c"
