"""What EventBridge Scheduler would refuse at the deployment, refused at the synthesis.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, whose syntax of cron has more
examples in https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html. Forms
of other crons on which both are silent (LW, L-3, names in small letters) are refused.
"""

from __future__ import annotations

import datetime
import difflib
import re
import zoneinfo
from dataclasses import dataclass

_FORMS = (
    "cron(minutes hours day-of-month month day-of-week year), rate(value unit) or at(yyyy-mm-ddThh:mm:ss)"
)
_LONGEST = 256
"""Characters of an expression: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""


@dataclass(frozen=True)
class _Field:
    """A field of cron, by the table of the guide."""

    name: str
    lowest: int
    highest: int
    wildcards: str = ", - * /"
    words: tuple[str, ...] = ()
    """Names of its values, from `lowest` on."""
    alone: str = r"(?!)"
    """Pattern of what may stand in the field only by itself."""

    def allows(self, text: str) -> bool:
        """Whether `text` may stand in the field."""
        if match := re.fullmatch(self.alone, text):
            day = match["day"]
            return day is None or self._number(day) is not None
        return all(self._allows_part(part) for part in text.split(","))

    def _allows_part(self, text: str) -> bool:
        match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([0-9]+))?", text)
        if not match:
            return False
        first, last, step = match.groups()
        if any(value is not None and self._number(value) is None for value in (first, last)):
            return False
        # Hours may pass midnight (20-2 is an example of the page) and weekdays the weekend; years do not.
        if self.name == "year" and last and int(first) > int(last):
            return False
        return step is None or ("/" in self.wildcards and 1 <= int(step) <= self.highest)

    def _number(self, value: str) -> int | None:
        if value in self.words:
            return self.lowest + self.words.index(value)
        if re.fullmatch(r"[0-9]{1,4}", value) and self.lowest <= int(value) <= self.highest:
            return int(value)
        return None

    def __str__(self) -> str:
        words = f" or {self.words[0]} to {self.words[-1]}" if self.words else ""
        return f"{self.lowest} to {self.highest}{words}, with {self.wildcards}"


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    # L is the last day, 3W the weekday nearest to the third.
    _Field("day-of-month", 1, 31, wildcards=", - * ? / L W", alone=r"\?|L|(?P<day>\w+)W"),
    _Field("month", 1, 12, words=_MONTHS),
    # L is Saturday, 6L the last Friday, 3#2 the second Tuesday.
    _Field("day-of-week", 1, 7, wildcards=", - * ? L #", words=_DAYS, alone=r"\?|L|(?P<day>\w+)(L|#[1-5])"),
    _Field("year", 1970, 2199),
)


def check(value: str) -> str:
    """`value`, when it is a schedule that EventBridge Scheduler understands.

    Raises:
        ValueError: with what is wrong, and what is allowed.
    """
    match = re.fullmatch(r"(cron|rate|at)\((.*)\)", value)
    if not match:
        raise ValueError(f"is not a schedule; allowed: {_FORMS}")
    if len(value) > _LONGEST:
        raise ValueError(f"has {len(value)} characters; allowed: {_LONGEST}")
    kind, body = match.groups()
    {"cron": _check_cron, "rate": _check_rate, "at": _check_at}[kind](body)
    return value


def _check_cron(body: str) -> None:
    texts = body.split()
    if len(texts) != len(_FIELDS):
        names = " ".join(field.name for field in _FIELDS)
        raise ValueError(f"has {len(texts)} fields; allowed: six, {names}")
    for field, text in zip(_FIELDS, texts, strict=True):
        if not field.allows(text):
            raise ValueError(f"has {field.name} {text!r}; allowed: {field}")
    day_of_month, day_of_week = texts[2], texts[4]
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ValueError(
            f"has day-of-month {day_of_month!r} and day-of-week {day_of_week!r}; "
            "allowed: a ? in exactly one of them"
        )


def _check_rate(body: str) -> None:
    # One hour and one hours are both right; the reference of CreateSchedule lists all six units.
    match = re.fullmatch(r"(\S+) (\S+)", body)
    if not match:
        raise ValueError("is not a rate; allowed: rate(value unit), as in rate(7 days)")
    count, unit = match.groups()
    if not re.fullmatch(r"[1-9][0-9]*", count):
        raise ValueError(f"has the value {count!r}; allowed: a whole number from 1 on")
    if not re.fullmatch(r"(minute|hour|day)s?", unit):
        raise ValueError(f"has the unit {unit!r}; allowed: minute, minutes, hour, hours, day, days")


def _check_at(body: str) -> None:
    # Whether it is still to come, a synthesis cannot say: it has no clock.
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", body):
            raise ValueError("not of the form")
        datetime.datetime.fromisoformat(body)
    except ValueError as error:
        raise ValueError(
            f"has {body!r}, which is no date and time; allowed: at(yyyy-mm-ddThh:mm:ss), "
            "as in at(2027-01-01T03:00:00)"
        ) from error


def check_timezone(value: str) -> str:
    """`value`, when it is a time zone of the IANA database.

    Raises:
        ValueError: for any other.
    """
    # Not ZoneInfo(value): whether that finds asia/seoul depends on the machine's file system.
    known = zoneinfo.available_timezones()
    if value in known:
        return value
    close = difflib.get_close_matches(value, known, n=1)
    raise ValueError(
        "is not a time zone; "
        + (f"did you mean {close[0]}?" if close else "allowed: a name of the IANA database, as in Asia/Seoul")
    )
