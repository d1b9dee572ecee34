"""How often a schedule starts in a month."""

from __future__ import annotations

import pytest

from review.occurrences import starts_a_month


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("rate(7 days)", 730 / 168),
        ("rate(1 hour)", 730),
        ("at(2027-01-01T03:00:00)", 1),
        ("cron(0 3 1 * ? *)", 1),
        ("cron(0 3 1,15 * ? *)", 2),
        ("cron(0 3,15 1 * ? *)", 2),
        ("cron(0/15 3 1 * ? *)", 4),
        ("cron(0 22-2 1 * ? *)", 5),
        ("cron(0 3 1 JAN-JUN ? *)", 0.5),
        ("cron(0 3 31 * ? *)", 7 / 12),
        ("cron(0 3 L * ? *)", 1),
        ("cron(0 3 15W * ? *)", 1),
        ("cron(0 3 ? * 6L *)", 1),
        ("cron(0 3 ? * TUE#2 *)", 1),
        ("cron(0 3 29 2 ? 2028)", 1 / 12),
        ("cron(0 3 29 2 ? 2027)", 0),
    ],
)
def test_a_schedule_starts_so_often(expression: str, times: float) -> None:
    assert starts_a_month(expression, 730) == pytest.approx(times)


def test_sunday_is_the_first_day_of_the_week() -> None:
    """In 2027 there are 53 Fridays, and 52 of every other day."""
    by_number = [round(12 * starts_a_month(f"cron(0 3 ? * {day} 2027)", 730)) for day in range(1, 8)]
    assert by_number == [52, 52, 52, 52, 52, 53, 52]


def test_days_pass_the_weekend() -> None:
    assert starts_a_month("cron(0 3 ? * FRI-MON *)", 730) == starts_a_month("cron(0 3 ? * 6,7,1,2 *)", 730)


def test_what_is_no_schedule_is_refused_with_what_is_one() -> None:
    with pytest.raises(ValueError, match=r"is not a schedule; allowed: cron\("):
        starts_a_month("every sunday", 730)
