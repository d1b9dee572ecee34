"""What starts by itself, and starts at another time, or no longer, or for the first time."""

from __future__ import annotations

from collections.abc import Iterator

from review.hazards.case import Case

_SCHEDULES = ("AWS::Scheduler::Schedule", "AWS::Events::Rule")
_WHEN = (
    "EndDate",
    "FlexibleTimeWindow",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
)
_WHAT = ("Target.Arn", "Target.Input")


def dangers(case: Case) -> Iterator[str]:
    """What happens to a schedule."""
    if case.type not in _SCHEDULES or "ScheduleExpression" not in {**case.before, **case.after}:
        return
    if case.change.kind == "removed":
        yield f"{case.what} goes: nothing starts by itself any more ({_times(case.before)} before)"
    elif case.change.kind == "added":
        yield f"{case.what} is new: it starts by itself, {_times(case.after)}"
    elif case.after.get("State", "ENABLED") == "DISABLED" != case.before.get("State", "ENABLED"):
        yield f"{case.what} is switched off: nothing starts by itself any more"
    else:
        if changed := [pair.path for pair in case.pairs if pair.path in _WHEN]:
            times = f"{_times(case.after)}; before: {_times(case.before)}"
            yield f"{case.what} starts {times} ({', '.join(changed)})"
        for pair in case.pairs:
            if pair.path in _WHAT:
                yield f"{case.what} starts something else: {pair.path} is {pair.after}; before: {pair.before}"


def _times(schedule: dict[str, object]) -> str:
    window = schedule.get("FlexibleTimeWindow")
    minutes = window.get("MaximumWindowInMinutes") if isinstance(window, dict) else None
    return " ".join(
        str(part)
        for part in (
            schedule.get("ScheduleExpression", "on events"),
            schedule.get("ScheduleExpressionTimezone", ""),
            f"within {minutes} min" if minutes else "",
        )
        if part
    )
