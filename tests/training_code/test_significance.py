import numpy as np
import pytest

from significance import accuracy_interval, difference_interval, mcnemar


@pytest.mark.parametrize(
    ("mended", "broken", "p"),
    [
        (0, 0, 1),
        (3, 3, 1),
        (1, 0, 1),
        (6, 0, 2 / 2**6),
        (0, 6, 2 / 2**6),
        (1, 9, 2 * (1 + 10) / 2**10),
    ],
)
def test_p_is_how_often_fair_coins_fall_so_unevenly(mended: int, broken: int, p: float) -> None:
    assert mcnemar(mended, broken)["p"] == pytest.approx(p)


def test_of_many_pairs_the_exact_p_is_that_of_the_statistic() -> None:
    """Chi-squared with one degree of freedom has 4.0 or more with probability 0.0455."""
    test = mcnemar(5221, 5020)
    assert test["statistic"] == pytest.approx(200**2 / 10241)
    assert test["p"] == pytest.approx(0.0481, abs=1e-3)


def test_pairs_that_differ_by_one_say_nothing() -> None:
    assert mcnemar(8, 7)["statistic"] == 0


def test_an_accuracys_interval_is_wilsons() -> None:
    """The example of Wikipedia's and many textbooks' tables: 8 of 10."""
    assert accuracy_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@pytest.mark.parametrize(("right", "end"), [(0, 0), (20, 1)])
def test_an_accuracy_at_its_end_has_an_interval_none_the_less(right: int, end: int) -> None:
    low, high = accuracy_interval(right, 20)
    assert end in (low, high)
    assert high - low > 0.1


def test_swapping_the_models_turns_the_differences_interval_round() -> None:
    low, high = difference_interval(30, 12, 400)
    assert difference_interval(12, 30, 400) == pytest.approx((-high, -low))


@pytest.mark.parametrize(("mended", "broken", "rows"), [(0.05, 0.05, 1000), (0.02, 0.10, 100)])
def test_the_differences_interval_holds_the_true_one_in_95_of_100_test_sets(
    mended: float, broken: float, rows: int
) -> None:
    drawn = np.random.default_rng(0).multinomial(rows, [mended, broken, 1 - mended - broken], size=2000)
    intervals = [difference_interval(int(better), int(worse), rows) for better, worse, _ in drawn]
    held = [low <= mended - broken <= high for low, high in intervals]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_a_difference_is_never_more_than_everything() -> None:
    low, high = difference_interval(2, 0, 2)
    assert -1 <= low < high <= 1
