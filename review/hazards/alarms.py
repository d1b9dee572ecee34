"""What calls people, and calls later or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from review.assembly import Stack
from review.hazards.case import Case
from review.model import Json

_ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_COUNTS = ("EvaluationPeriods", "DatapointsToAlarm", "Period")


def dangers(case: Case, after: dict[str, Stack]) -> Iterator[str]:
    """Who is not told any more, and of what; the stacks of the environment after show who is left."""
    if case.type in _ALARMS and case.was:
        if case.change.kind == "removed":
            yield f"{case.what} goes: {case.before.get('AlarmDescription', 'nobody is told')}"
        elif case.now:
            yield from _alarm(case)
    if case.type == "AWS::SNS::Topic" and case.goes:
        yield f"{case.what} goes with its subscriptions: people are told of nothing any more"
    if case.type == "AWS::SNS::Subscription" and case.change.kind == "removed" and not _subscribed(after):
        yield f"{case.what} goes, the last one: nobody is told of anything any more"
    if case.type == "AWS::Budgets::Budget" and case.was:
        yield from _budget(case)
    if case.type == "AWS::StepFunctions::StateMachine" and case.was and case.now:
        yield from _messages(case)
    if case.type == "AWS::Events::Rule" and "EventPattern" in case.before:
        yield from _rule(case)
    for pair in case.pairs:
        if pair.key == "DeadLetterConfig" and pair.before and not pair.after:
            yield f"{case.what}: {pair.path} goes: a start that fails leaves no trace"


def _alarm(case: Case) -> Iterator[str]:
    before, after = case.before, case.after
    if after.get("ActionsEnabled", True) is False and before.get("ActionsEnabled", True):
        yield f"{case.what} tells nobody: its actions are switched off"
    if gone := [one for one in before.get("AlarmActions", ()) if one not in after.get("AlarmActions", ())]:
        yield f"{case.what} no longer tells {', '.join(map(str, gone))}"
    operator = before.get("ComparisonOperator", "")
    if operator != after.get("ComparisonOperator"):
        yield f"{case.what} rings when {after.get('ComparisonOperator')}; before: {operator}"
    for pair in case.pairs:
        if pair.key == "Threshold" and _looser(operator, pair.before, pair.after):
            yield f"{case.what} rings at {pair.after}; before: {pair.before}"
        if pair.key in _COUNTS and (pair.after or 0) > (pair.before or 0):
            yield f"{case.what} rings later: {pair.key} is {pair.after}; before: {pair.before or 'not set'}"
        if pair.key == "TreatMissingData" and pair.before == "breaching":
            yield f"{case.what} does not ring when there is no data; before, it did"
    if (was := _measures(before)) != (now := _measures(after)):
        yield f"{case.what} watches something else: {now}; before: {was}"


def _looser(operator: str, before: Any, after: Any) -> bool:
    if before is None or after is None:
        return True
    return bool(after > before if operator.startswith("GreaterThan") else after < before)


def _measures(alarm: Json) -> str:
    """What an alarm measures: not under which label, nor over what period."""
    parts = [str(alarm[key]) for key in ("Namespace", "MetricName", "Statistic") if key in alarm]
    parts += [f"{one['Name']} {one['Value']}" for one in alarm.get("Dimensions", ())]
    for query in alarm.get("Metrics", ()):
        stat = query.get("MetricStat", {})
        metric = stat.get("Metric", {})
        parts += filter(None, [query.get("Expression"), metric.get("MetricName"), stat.get("Stat")])
        parts += [f"{one['Name']} {one['Value']}" for one in metric.get("Dimensions", ())]
    return ", ".join(parts)


def _subscribed(stacks: dict[str, Stack]) -> bool:
    return any(
        one["Type"] == "AWS::SNS::Subscription"
        for stack in stacks.values()
        for one in stack.resources.values()
    )


def _budget(case: Case) -> Iterator[str]:
    if case.change.kind == "removed":
        yield f"{case.what} goes: nobody is told what is spent"
        return
    filters = [side.get("Budget", {}).get("CostFilters") for side in (case.before, case.after)]
    if filters[0] != filters[1]:
        yield f"{case.what} counts something else: {filters[1] or 'all of the account'}; before: {filters[0]}"
    old, new = (dict(_notifications(side)) for side in (case.before, case.after))
    for told, percent in old.items():
        if told not in new:
            yield f"{case.what} no longer tells {told[1]} of {told[0].lower()} spending"
        elif new[told] > percent:
            yield f"{case.what} tells of {told[0].lower()} spending at {new[told]} %; before: {percent} %"


def _notifications(budget: Json) -> Iterator[tuple[tuple[str, str], float]]:
    for one in budget.get("NotificationsWithSubscribers", ()):
        for subscriber in one.get("Subscribers", ()):
            told = one["Notification"]
            yield (told["NotificationType"], str(subscriber["Address"])), float(told["Threshold"])


def _messages(case: Case) -> Iterator[str]:
    before, after = (side.get("DefinitionString", {}).get("States", {}) for side in (case.before, case.after))
    for name, state in before.items():
        publishes = str(state.get("Resource", "")).rpartition(":")[2] == "publish"
        if publishes and name not in after:
            yield f"{case.what}: {name} goes: people are not told how it ended"


def _rule(case: Case) -> Iterator[str]:
    """The ends of executions are told of by a rule, and approvals are heard by one."""
    if not case.now:
        yield f"{case.what} goes: nothing is started by what it heard of"
        return
    if case.after.get("State") == "DISABLED" != case.before.get("State"):
        yield f"{case.what} is switched off: nothing is started by what it hears of"
    before, after = (dict(_matched(side.get("EventPattern", {}))) for side in (case.before, case.after))
    for path, values in before.items():
        if gone := [one for one in values if one not in after.get(path, values)]:
            yield f"{case.what} no longer hears of {path} {', '.join(gone)}"
    if more := after.keys() - before.keys():
        yield f"{case.what} hears of less: of what has a certain {', '.join(sorted(more))}"
    targets = [[str(one["Arn"]) for one in side.get("Targets", ())] for side in (case.before, case.after)]
    if gone := [one for one in targets[0] if one not in targets[1]]:
        yield f"{case.what} no longer starts {', '.join(gone)}"


def _matched(pattern: Json, path: str = "") -> Iterator[tuple[str, list[str]]]:
    for key, value in pattern.items():
        here = f"{path}.{key}".lstrip(".")
        if isinstance(value, dict):
            yield from _matched(value, here)
        else:
            yield here, list(map(str, value))
