"""How often a schedule of EventBridge Scheduler starts what it starts, in a month.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import datetime

from stacks.schedule_expression import check

_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Any four in a row have one leap year; over them weekdays even out well enough.
_ANY_YEARS = {2025, 2026, 2027, 2028}


def starts_a_month(expression: str, hours_a_month: float) -> float:
    """The average over the years in which `expression` holds; of `at(…)`, the month in which it does.

    Raises:
        ValueError: it is no schedule.
    """
    kind, _, body = check(expression).removesuffix(")").partition("(")
    if kind == "at":
        return 1
    if kind == "rate":
        count, unit = body.split()
        return hours_a_month * 60 / (int(count) * _MINUTES[unit.removesuffix("s")])
    minutes, hours, day, month, weekday, year = body.split()
    years = _ANY_YEARS if year == "*" else _numbers(year, 1970, 2199)
    days = sum(
        _falls_on(datetime.date(number, each, date), day, weekday)
        for number in years
        for each in _numbers(month, 1, 12, _MONTHS)
        for date in range(1, calendar.monthrange(number, each)[1] + 1)
    )
    return days * len(_numbers(hours, 0, 23)) * len(_numbers(minutes, 0, 59)) / (12 * len(years))


def _falls_on(date: datetime.date, day: str, weekday: str) -> bool:
    last = calendar.monthrange(date.year, date.month)[1]
    if weekday == "?":
        if day == "L":
            return date.day == last
        if day.endswith("W"):  # Once a month, whichever weekday is nearest.
            return date.day == min(int(day[:-1]), last)
        return date.day in _numbers(day, 1, 31)
    number = date.isoweekday() % 7 + 1
    if weekday == "L":
        return number == 7
    if weekday.endswith("L"):
        return number == _number(weekday[:-1], 1, _DAYS) and date.day > last - 7
    if "#" in weekday:
        name, _, which = weekday.partition("#")
        return number == _number(name, 1, _DAYS) and (date.day + 6) // 7 == int(which)
    return number in _numbers(weekday, 1, 7, _DAYS)


def _numbers(text: str, lowest: int, highest: int, words: tuple[str, ...] = ()) -> set[int]:
    """What a field of cron names: `*`, `5`, `MON-FRI`, `22-2`, `0/15`, and lists of them."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        low = lowest if first == "*" else _number(first, lowest, words)
        # A step without an end goes on to the end.
        high = _number(last, lowest, words) if last else highest if first == "*" or step else low
        all_of_them = (
            [*range(low, high + 1)] if low <= high else [*range(low, highest + 1), *range(lowest, high + 1)]
        )
        found |= set(all_of_them[:: int(step or 1)])
    return found


def _number(text: str, lowest: int, words: tuple[str, ...]) -> int:
    return lowest + words.index(text) if text in words else int(text)
