"""What keeps from loss, from strangers' eyes, and from bad models, and is switched off or weaker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from review.compared import Pair
from review.hazards.case import Case, inside, place
from review.model import Json
from review.policies import is_policy
from stacks.instances import has_local_storage

_KEY = re.compile(
    r"(?i)(volume|storage)?kms(master)?key(id|arn)?|sse(algorithm|specification)|sqsmanagedsseenabled"
    r"|(bucket|storage)?encrypt(ed|ion)|\w*encryption(config(uration)?|key)?"
)
# While they are on.
_SWITCHES = {
    "DeletionProtection": "it can be deleted by mistake",
    "DeletionProtectionEnabled": "it can be deleted by mistake",
    "DataCaptureConfig": "no requests are kept to look at, or to train with",
    "EnableCapture": "no requests are kept to look at, or to train with",
    "EnableKeyRotation": "the key is not renewed any more",
    "LoggingConfiguration": "nobody sees who did what",
    "ObjectLockEnabled": "objects can be overwritten",
    "PointInTimeRecoveryEnabled": "it cannot be brought back to an earlier time",
    "ReplicationConfiguration": "there is no second copy any more",
    "TerminationProtection": "the stack can be deleted with all it holds",
    "VersioningConfiguration": "what is overwritten or deleted is gone at once",
}
_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")
_LEVELS = ("OFF", "FATAL", "ERROR", "ALL")
_PERIODS = ("RetentionInDays", "MessageRetentionPeriod", "BackupRetentionPeriod", "PendingWindowInDays")


def dangers(case: Case) -> Iterator[str]:
    """What is weaker."""
    for leaf in case.change.properties:
        if leaf.path == "TerminationProtection" and leaf.before:
            yield f"{case.what} may be deleted: its termination protection is switched off"
        is_kept = case.was and case.now and leaf.path in ("DeletionPolicy", "UpdateReplacePolicy")
        if is_kept and leaf.before in _KEPT and leaf.after not in _KEPT:
            when = "its stack is deleted" if leaf.path == "DeletionPolicy" else "it is replaced"
            yield f"{case.what} is deleted when {when}; before, it stayed ({leaf.path}: {leaf.before})"
    if keys := list(_keys(case)):
        yield f"{case.what} is encrypted less well: {'; '.join(keys)}"
    for pair in case.pairs:
        yield from (f"{case.what}: {said}" for said in _weaker(pair))
    if case.type == "AWS::EC2::FlowLog":
        if case.change.kind == "removed":
            yield f"{case.what} goes: nobody sees who talked to whom"
        elif case.was and case.before.get("TrafficType") != case.after.get("TrafficType", "ALL") != "ALL":
            yield f"{case.what} holds {case.after['TrafficType']} traffic alone; before: all"
    if case.type == "AWS::SageMaker::Endpoint" and case.was and case.now:
        yield from _guardrails(case)
    if case.type == "AWS::StepFunctions::StateMachine" and case.was and case.now:
        yield from _gate(case)
        yield from _undone(case)


def _keys(case: Case) -> Iterator[str]:
    said: list[str] = []
    for pair in case.pairs:
        if not _KEY.fullmatch(pair.key) or not pair.before or _is_inside_policy(case, pair):
            continue
        if any(pair.path.startswith(path) for path in said) or isinstance(pair.after, (dict, list)):
            continue
        if not pair.after and not _encrypts_itself(pair):
            said.append(pair.path)
            yield f"{place(pair.path)} was {_short(pair.before)} and goes"
        elif pair.after and pair.before != "AES256":
            said.append(pair.path)
            yield f"{place(pair.path)} was {_short(pair.before)} and is {_short(pair.after)}"


def _is_inside_policy(case: Case, pair: Pair) -> bool:
    return is_policy(case.after.get(pair.path.partition(".")[0]))


def _encrypts_itself(pair: Pair) -> bool:
    """Whether the disks that the key was for do it: SageMaker refuses a key for them."""
    types = list(inside(pair.within, "InstanceType"))
    return bool(types) and all(map(has_local_storage, types))


def _weaker(pair: Pair) -> Iterator[str]:
    before, after = pair.before, pair.after
    if pair.key in _SWITCHES and before and not after:
        yield f"{pair.path} is switched off: {_SWITCHES[pair.key]}"
    if pair.path == "VersioningConfiguration.Status" and before == "Enabled":
        yield f"{pair.path} is {after}: {_SWITCHES['VersioningConfiguration']}"
    if pair.key in _PERIODS and _shorter(before, after):
        was = "for ever" if before is None else before
        yield f"{place(pair.path)} is shorter: {after}; before: {was}"
    if pair.path == "LoggingConfiguration.Level" and _LEVELS.index(after or "OFF") < _LEVELS.index(before):
        yield f"{pair.path} is {after or 'OFF'}; before: {before}"
    if pair.key == "PermissionsBoundary" and before:
        yield f"its permissions boundary is {after or 'gone'}; before: {_short(before)}"


def _shorter(before: Any, after: Any) -> bool:
    """A period that is left out is for ever."""
    return after is not None and (before is None or float(after) < float(before))


def _guardrails(case: Case) -> Iterator[str]:
    old, new = (
        {one["AlarmName"] for each in inside(side, "AutoRollbackConfiguration") for one in each["Alarms"]}
        for side in (case.before, case.after)
    )
    if gone := sorted(old - new):
        left = f"left: {', '.join(sorted(new))}" if new else "nothing takes a bad model back by itself"
        yield f"{case.what}: a bad model is no longer taken back by {' or '.join(gone)}; {left}"
    routes: list[Json] = [
        next(inside(side, "TrafficRoutingConfiguration"), {}) for side in (case.before, case.after)
    ]
    was, now = (route.get("Type", "ALL_AT_ONCE") for route in routes)
    if was != now == "ALL_AT_ONCE":
        yield f"{case.what}: a new model takes all requests at once; before, {was.lower()} first"
    baked = [int(route.get("WaitIntervalInSeconds", 0)) for route in routes]
    if baked[1] < baked[0] and baked[1] < 60:
        yield f"{case.what}: the alarms are watched for {baked[1]} s only: none can ring in that time"


def _gate(case: Case) -> Iterator[str]:
    """The floor must not sink and the drops not grow; of any other change a person has to judge."""
    states = [side.get("DefinitionString", {}).get("States", {}) for side in (case.before, case.after)]
    if "Gate" not in states[0]:
        return
    for name, what in _GATES.items():
        if name == "ChooseVariant" and "Optimise" not in states[1]:
            continue  # there is none to choose, and what was trained serves
        old, new = (dict(map(_rule, one.get(name, {}).get("Choices", ()))) for one in states)
        for rule, limits in old.items():
            if rule not in new:
                yield f"{case.what}: {what} no longer says {rule}. See that what it says now is no looser"
            elif any(
                after > before if _DROP.search(rule) else after < before
                for before, after in zip(limits, new[rule], strict=True)
            ):
                now, was = (", ".join(map(str, some)) for some in (new[rule], limits))
                yield f"{case.what}: {what} lets worse models through: {now} in {rule}; before: {was}"
    asked = [one.get("Register", {}).get("Arguments", {}).get("ModelApprovalStatus") for one in states]
    if asked[0] == "PendingManualApproval" != asked[1]:
        yield f"{case.what}: a model goes live without a person's approval"
    if ways := _before_register(states[1]) - _before_register(states[0]):
        yield f"{case.what}: a model goes live past the gate, by {', '.join(sorted(ways))}"


# States of the retrain that stop what is worse, and what people call them.
_GATES = {"Gate": "the gate", "ChooseVariant": "the choice of the variant that serves"}
_DROP = re.compile(r" [->] ")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE]-?\d+)?")


def _rule(choice: Json) -> tuple[str, list[float]]:
    """A rule without its numbers, and the numbers."""
    text = f"{choice.get('Condition')} → {choice.get('Next')}".replace("{% ", "").replace(" %}", "")
    return _NUMBER.sub("…", text), list(map(float, _NUMBER.findall(text)))


def _undone(case: Case) -> Iterator[str]:
    """What is caught is put right; and what has just begun to serve is asked."""
    before, after = (side.get("DefinitionString", {}).get("States", {}) for side in (case.before, case.after))
    for name, state in before.items():
        if name in after and state.get("Catch") and not after[name].get("Catch"):
            yield f"{case.what}: {name} catches no failure any more: what it led to is not done"
    for name in before:
        if name.startswith("Ask"):
            gone = [text for text in _sentences(before[name]) if text not in _sentences(after.get(name, {}))]
            if gone:
                yield f"{case.what}: a new model is no longer asked {', '.join(gone)} ({name})"


def _sentences(state: Json) -> list[str]:
    # A text in a text stays one where the definition is put together from parts.
    body = state.get("Arguments", {}).get("Body", {})
    found: Json = json.loads(body) if isinstance(body, str) else body
    return list(found.get("inputs", ()))


def _before_register(states: Json) -> set[str]:
    found = set()
    for name, state in states.items():
        ways = [state, *state.get("Choices", ()), *state.get("Catch", ())]
        if name != "Gate" and any("Register" in (way.get("Next"), way.get("Default")) for way in ways):
            found.add(name)
    return found


def _short(value: Any) -> str:
    return value if isinstance(value, str) else "on"
