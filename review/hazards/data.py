"""What holds data, and goes, or keeps it less long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from review.hazards.case import Case
from review.resources import STACK

# Type → what goes with it.
_HOLDS = {
    "AWS::DynamoDB::Table": "its items",
    "AWS::ECR::Repository": "its images",
    "AWS::EFS::FileSystem": "its files",
    "AWS::KMS::Key": "all that it encrypts, which nobody can read without it",
    "AWS::Logs::LogGroup": "the log that it holds",
    "AWS::RDS::DBInstance": "its database",
    "AWS::S3::Bucket": "its objects",
    "AWS::SQS::Queue": "the messages that wait in it",
    "AWS::SSM::Parameter": "its value",
    "AWS::SageMaker::FeatureGroup": "its features",
    "AWS::SageMaker::ModelPackageGroup": "the registered models",
    "AWS::SecretsManager::Secret": "its value",
}
_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")
_FOR_EVER = 10**9


def dangers(case: Case) -> Iterator[str]:
    """What is lost."""
    if case.type == STACK:
        yield from _stack(case)
    elif case.type in _HOLDS and case.goes:
        yield _gone(case, _HOLDS[case.type])
    elif _is_champion(case) and case.was and any(pair.path for pair in case.pairs):
        yield (
            f"CloudFormation updates {case.what}, and so puts the template's value, none, in place of the"
            " champion: the model that serves goes with the next deployment. The resource must never change,"
            " not even in a tag or a description: take the change back"
        )
    if case.type == "AWS::S3::Bucket" and case.was and case.now:
        yield from _lifecycle(case)
    if (
        case.type == "AWS::KMS::Key"
        and case.before.get("Enabled", True)
        and case.after.get("Enabled") is False
    ):
        yield f"{case.what} is disabled: nothing that it encrypts can be read"


def _stack(case: Case) -> Iterator[str]:
    if case.change.kind == "removed" and case.base:
        held = [
            one["Type"].rpartition(":")[2] for one in case.base.resources.values() if one["Type"] in _HOLDS
        ]
        counted = (
            ", ".join(f"{held.count(kind)} {kind}" for kind in dict.fromkeys(held)) or "nothing with data"
        )
        yield (
            f"{case.what} leaves the application. It stays deployed, unmanaged, until somebody deletes it"
            f" with its {len(case.base.resources)} resources, among them: {counted}. Keep it in the"
            " application, or delete it on purpose: cdk destroy at the commit before"
        )
    for leaf in case.change.properties:
        if leaf.path == "Place":
            unless = "unless that is where it is deployed, " if "unknown" in leaf.before else ""
            yield (
                f"{case.what} moves from {leaf.before} to {leaf.after}: {unless}it is made anew there, empty,"
                " and the one with the data stays behind, unmanaged"
            )
        if leaf.path.startswith("Parameters.Champion"):
            yield (
                f"{case.what} reads another champion ({leaf.path}: {leaf.before} → {leaf.after}): what serves"
                " is no longer what was promoted"
            )


def _gone(case: Case, what: str) -> str:
    verb = {"removed": "goes", "replaced": "is replaced", "perhaps replaced": "may be replaced"}[
        case.change.kind
    ]
    cause = ", ".join(change.path for change in case.change.properties if change.replaces)
    attribute = "DeletionPolicy" if case.change.kind == "removed" else "UpdateReplacePolicy"
    if case.was.get(attribute) in _KEPT:
        fate = f"the old one stays with {what}, unmanaged, and whatever is deployed looks for it in vain"
    else:
        fate = f"and with it {what}"
    moved = _twin(case)
    rename = f". It looks like {moved} renamed: override_logical_id keeps the old one" if moved else ""
    return f"{case.what} {verb}{f' because of {cause}' if cause else ''}: {fate}{rename}"


def _twin(case: Case) -> str:
    """Path of a new resource that seems to be the same: by its path, by its name, or as no other is new."""
    if case.change.kind != "removed" or not case.base or not case.head:
        return ""
    gone, come = (
        [
            side.path(name).removesuffix("/Resource")
            for name, one in side.resources.items()
            if name not in other and one["Type"] == case.type
        ]
        for side, other in ((case.base, case.head.resources), (case.head, case.base.resources))
    )
    own = case.change.path.removesuffix("/Resource")
    if own in come:
        return own
    named = [path for path in come if path.rpartition("/")[2] == own.rpartition("/")[2]]
    alike = named or (come if len(gone) == 1 else [])
    return alike[0] if len(alike) == 1 else ""


def _is_champion(case: Case) -> bool:
    name = case.before.get("Name", "")
    return case.type == "AWS::SSM::Parameter" and str(name).endswith("/champion")


def _lifecycle(case: Case) -> Iterator[str]:
    for kind, said in (
        ("current", "objects of {} are deleted after {}, before {}: {}"),
        ("noncurrent", "what was overwritten or deleted of {} is gone for good after {}, before {}: {}"),
        ("archived", "objects of {} are archived, and cannot be read at once, after {}, before {}: {}"),
    ):
        old, new = _ends(case.before, kind), _ends(case.after, kind)
        sooner: dict[tuple[int, int], list[str]] = {}
        for prefix, days in new.items():
            before = min((_FOR_EVER, *(known for one, known in old.items() if prefix.startswith(one))))
            if days < before:
                sooner.setdefault((days, before), []).append(f"{prefix}*")
        for (days, before), prefixes in sooner.items():
            was = "never" if before == _FOR_EVER else f"{before}"
            yield said.format(case.what, f"{days} days", was, ", ".join(prefixes))


def _ends(bucket: dict[str, Any], kind: str) -> dict[str, int]:
    """Prefix → the days after which the rules of a bucket end what begins with it."""
    found: dict[str, int] = {}
    for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", ()):
        if rule.get("Status") == "Enabled":
            prefix = str(rule.get("Prefix", ""))
            for days in _days(rule, kind):
                found[prefix] = min(days, found.get(prefix, _FOR_EVER))
    return found


def _days(rule: dict[str, Any], kind: str) -> Iterator[int]:
    if kind == "current":
        yield from (int(rule[key]) for key in ("ExpirationInDays",) if key in rule)
        yield from (0 for key in ("ExpirationDate",) if key in rule)
    elif kind == "noncurrent":
        yield from (int(rule[key]) for key in ("NoncurrentVersionExpirationInDays",) if key in rule)
        yield from (
            int(rule[key]["NoncurrentDays"]) for key in ("NoncurrentVersionExpiration",) if key in rule
        )
    else:
        for move in (*rule.get("Transitions", ()), *filter(None, [rule.get("Transition")])):
            if move["StorageClass"] in ("GLACIER", "DEEP_ARCHIVE"):
                yield int(move.get("TransitionInDays", 0))
