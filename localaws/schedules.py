"""The clock of EventBridge Scheduler: ministack's has no time zones, and never fires a changed ``at`` again.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import eventbridge, scheduler

from localaws.api import Json
from localaws.resources import now

logger = logging.getLogger(__name__)

SECONDS = 1  # between two looks at the clock; EventBridge Scheduler is as precise as a minute

_fired: dict[tuple[object, ...], float] = {}


def install() -> None:
    """Replace ministack's clock."""
    scheduler._SCHEDULE_TICK_INTERVAL = SECONDS
    scheduler._tick_schedules = _tick


def _tick() -> None:
    """Fire what is due; ministack calls this on a thread of its own."""
    for key, schedule in list(scheduler._schedules._data.items()):
        try:
            if _over(key, schedule, now().timestamp()) and schedule["ActionAfterCompletion"] == "DELETE":
                scheduler._schedules._data.pop(key, None)
        except Exception:  # of one schedule is no matter of the others
            logger.exception("schedule %s", schedule["Arn"])


def _over(key: tuple[str, str, str], schedule: Json, time: float) -> bool:
    """Fire a schedule if it is due; returns whether that was the last time."""
    start, end = (scheduler._to_epoch(schedule[name]) for name in ("StartDate", "EndDate"))
    if end is not None and time > end:
        return True
    # A changed expression begins anew, as does another schedule of that name.
    identity = (*key, schedule["CreationDate"], schedule["ScheduleExpression"])
    active = schedule["State"] == "ENABLED" and time >= (start or 0)
    if not active or not _due(schedule, _fired.get(identity), time):
        return False
    _fired[identity] = time
    _fire(*key, schedule)
    return str(schedule["ScheduleExpression"]).startswith("at(")


def _due(schedule: Json, last: float | None, time: float) -> bool:
    """Whether a schedule that fired ``last`` is to fire; a rate without a StartDate does so at once."""
    expression, zone = schedule["ScheduleExpression"], ZoneInfo(schedule["ScheduleExpressionTimezone"])
    if expression.startswith("at("):
        moment = datetime.fromisoformat(expression[len("at(") : -1]).replace(tzinfo=zone)
        return last is None and time >= moment.timestamp()
    if seconds := eventbridge._parse_rate_seconds(expression):
        return last is None or time >= last + seconds
    since = datetime.fromtimestamp(last or schedule["LastModificationDate"], zone)
    moment = eventbridge._cron_next_fire(eventbridge._parse_cron_fields(expression), since)
    return moment is not None and time >= moment.timestamp()


def _fire(account: str, region: str, name: str, schedule: Json) -> None:
    set_request_account_id(account)
    set_request_region(region)
    event = {
        "EventId": schedule["Arn"],
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": now().timestamp(),
        "Resources": [schedule["Arn"]],
        "Account": account,
        "Region": region,
    }
    eventbridge._invoke_target(schedule["Target"], event, schedule)
