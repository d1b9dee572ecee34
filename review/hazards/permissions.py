"""Who may do more than before, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from review.assembly import Stack
from review.hazards.case import Case, place
from review.model import Danger, PermissionChange
from review.permissions import Widening, by_resource

_SHOWN = 6
_RUNS_AS = ("RoleArn", "ExecutionRoleArn", "DeliverLogsPermissionArn")
# They tell people of what goes wrong, and of what is spent.
_TELL = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com")


def dangers(widening: Widening) -> Iterator[Danger]:
    """What a policy lets happen from now on."""
    new = " is new, and" if widening.is_new else ""
    if widening.kind == "trust":
        whom = ", ".join(sorted({_who(one.principal) for one in widening.wider}))
        how, was = (
            " or ".join(sorted({one.condition or "without a condition" for one in some}))
            for some in (widening.wider, widening.before)
        )
        before = ", ".join(sorted({_who(one.principal) for one in widening.before})) or "nobody"
        yield Danger(
            "permissions",
            f"the {widening.of}{new} may be assumed by {whom} ({how}); before: {before}"
            + (f" ({was})" if was else ""),
        )
    elif widening.kind == "identity":
        yield Danger("permissions", f"the {widening.of}{new} from now on {_said(widening)}")
    # A policy of what is new opens nothing that was closed, unless it is to strangers.
    elif not widening.is_new or any(map(_is_stranger, widening.wider)):
        yield Danger("exposure", f"the policy of {widening.of}{new} from now on {_said(widening)}")


def runs_as(case: Case, before: dict[str, Stack], after: dict[str, Stack]) -> Iterator[str]:
    """What runs as another role than before; roles are imported from the environment's other stacks."""
    for pair in case.pairs:
        if pair.key in _RUNS_AS and pair.before and pair.after:
            was, now = _exported(pair.before, before), _exported(pair.after, after)
            if was != now:
                yield f"{case.what}: {place(pair.path)} is {pair.after}; before: {pair.before}"


def _exported(words: str, stacks: dict[str, Stack]) -> str:
    """What is behind the words for an import: the export may only be named anew."""
    for stack in stacks.values():
        for name, value in stack.exports.items():
            if stack.words({"Fn::ImportValue": name}) == words:
                return f"{stack.name} {stack.words(value)}"
    return words


def silenced(narrowing: Widening) -> Iterator[str]:
    """Who may no longer tell people: `narrowing` is what was allowed before and is not after."""
    for principal in _TELL:
        kept = {one.action for one in narrowing.before if (one.effect, one.principal) == ("Allow", principal)}
        gone = [
            one
            for one in narrowing.wider
            if (one.effect, one.principal) == ("Allow", principal) and one.action not in kept
        ]
        if gone and narrowing.kind == "resource":
            actions = ", ".join(one.action for one in gone)
            yield (
                f"the policy of {narrowing.of} no longer lets {principal} do {actions}: its messages do not"
                " arrive, and nobody hears that they do not"
            )


def _is_stranger(one: PermissionChange) -> bool:
    is_own = "aws:SourceAccount" in one.condition or "aws:PrincipalAccount" in one.condition
    return one.effect == "Allow" and one.principal.startswith(("*", "all but")) and not is_own


def _said(widening: Widening) -> str:
    groups = by_resource(widening.wider)
    parts = [_group(key, actions, widening) for key, actions in list(groups.items())[:_SHOWN]]
    return "; ".join([*parts, *([f"and {len(groups) - _SHOWN} more"] if len(groups) > _SHOWN else [])])


def _group(key: tuple[str, ...], actions: list[str], widening: Widening) -> str:
    effect, resource, principal, condition = key
    what = f"{', '.join(actions)} on {resource}{f' if {condition}' if condition else ''}"
    if effect == "Deny":
        still = [one for one in widening.after if (one.effect, one.resource) == ("Deny", resource)]
        return f"no longer denies {_who(principal) or 'it'} {what} (still denied: {_listed(still)})"
    related = [one for one in widening.before if (one.effect, one.principal) == ("Allow", principal)]
    services = {action.partition(":")[0] for action in actions}
    there = [one for one in related if one.resource == resource and one.action.partition(":")[0] in services]
    before = _listed(there or [one for one in related if one.action in actions])
    return f"{f'lets {_who(principal)} do' if principal else 'may do'} {what} (before: {before})"


def _listed(permissions: Iterable[PermissionChange]) -> str:
    groups = by_resource(permissions)
    said = [
        f"{', '.join(actions)} on {resource}{f' if {condition}' if condition else ''}"
        for (_, resource, _, condition), actions in groups.items()
    ]
    return "; ".join(said[:_SHOWN]) + ("; …" if len(said) > _SHOWN else "") or "nothing like it"


def _who(principal: str) -> str:
    return "anybody" if principal == "*" else principal
