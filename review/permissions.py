"""Who may do more than before, and who less: every policy of every stack, compared by what it permits."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from review.assembly import Stack, read
from review.model import Json, PermissionChange, Side
from review.policies import Permit, beyond, is_policy, permits, words

_IDENTITIES = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
_ATTACHED = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
_EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
# What AWS lets through where a resource has no policy.
_DEFAULTS = {"AWS::EC2::VPCEndpoint": [{"Statement": _EVERYTHING}]}


@dataclass(frozen=True)
class Policy:
    """A policy, and whose it is."""

    stack: Stack
    logical_id: str
    """Of the resource that it stands in."""
    holder: str
    """Logical id of the role that it is of, or of the resource."""
    of: str
    """The holder, for people."""
    kind: str
    """`identity`, `trust` or `resource`."""
    permits: frozenset[Permit]


@dataclass(frozen=True)
class Widening:
    """What a policy lets happen that nothing let happen before."""

    stack: Stack
    """Where the policy is, or where it was."""
    logical_id: str
    of: str
    kind: str
    is_new: bool
    """Whether its holder was not there before."""
    wider: tuple[PermissionChange, ...]
    before: tuple[PermissionChange, ...]
    """What the holder's policies said before."""
    after: tuple[PermissionChange, ...]
    """What they say."""


def permission_changes(
    base: Side, head: Side
) -> dict[str, tuple[tuple[PermissionChange, ...], tuple[PermissionChange, ...]]]:
    """What is widened and what is narrowed, by environment."""
    environments = sorted({*read(base.assembly).environments, *read(head.assembly).environments})
    return {
        name: (
            tuple(change for widening in widenings(base, head, name) for change in widening.wider),
            tuple(change for widening in widenings(head, base, name) for change in widening.wider),
        )
        for name in environments
    }


def widenings(base: Side, head: Side, environment: str) -> list[Widening]:
    """Of an environment: the policies that allow more than before, or deny less."""
    sides = [read(side.assembly).of(environment) for side in (base, head)]
    found = []
    for old, new in _matched(*(_policies(stacks.values()) for stacks in sides)):
        allowed = _with("Allow", old)
        found += [(policy, beyond(_with("Allow", [policy]), allowed), old, new) for policy in new]
        # What is denied on something that goes as well is denied by that.
        if old and _is_there(old[0].stack.name, (new or old)[0].holder, sides[1]):
            denied = _with("Deny", new)
            found += [(policy, beyond(_with("Deny", [policy]), denied), old, new) for policy in old]
    return [
        Widening(
            policy.stack,
            policy.logical_id,
            policy.of,
            policy.kind,
            not old and not _is_there(policy.stack.name, policy.holder, sides[0]),
            tuple(_change(policy, permit) for permit in wider),
            _all(old),
            _all(new),
        )
        for policy, wider, old, new in found
        if wider
    ]


def _all(policies: Iterable[Policy]) -> tuple[PermissionChange, ...]:
    return tuple(_change(one, permit) for one in policies for permit in beyond(one.permits, ()))


def _with(effect: str, policies: Iterable[Policy]) -> list[Permit]:
    return [permit for policy in policies for permit in policy.permits if permit.effect == effect]


def _is_there(stack: str, logical_id: str, stacks: Mapping[str, Stack]) -> bool:
    return stack in stacks and logical_id in stacks[stack].resources


def _matched(before: list[Policy], after: list[Policy]) -> Iterator[tuple[list[Policy], list[Policy]]]:
    """The policies of each holder before and after: the same logical id, else the same name for people."""
    old, new = _by_holder(before), _by_holder(after)
    named: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for key in old.keys() - new.keys():
        named.setdefault((old[key][0].of, old[key][0].kind), []).append(key)
    for key, policies in new.items():
        same = named.get((policies[0].of, policies[0].kind), [])
        previous = key if key in old else same.pop() if same else None
        yield old.pop(previous, []) if previous else [], policies
    for policies in old.values():
        yield policies, []


def _by_holder(policies: Iterable[Policy]) -> dict[tuple[str, ...], list[Policy]]:
    found: dict[tuple[str, ...], list[Policy]] = {}
    for policy in policies:
        found.setdefault((policy.stack.name, policy.holder, policy.kind), []).append(policy)
    return found


def _policies(stacks: Iterable[Stack]) -> list[Policy]:
    return [policy for stack in stacks for policy in _policies_of(stack)]


@functools.cache
def _policies_of(stack: Stack) -> tuple[Policy, ...]:
    return tuple(
        policy
        for name, resource in stack.resources.items()
        for policy in _of(stack, name, resource["Type"], stack.readable(resource.get("Properties", {})))
    )


def _of(stack: Stack, name: str, kind: str, properties: Json) -> Iterator[Policy]:
    if kind in _IDENTITIES:
        of = f"{kind.rpartition(':')[2].lower()} of {_role(stack, name, properties)}"
        if "AssumeRolePolicyDocument" in properties:
            yield Policy(stack, name, name, of, "trust", permits(properties["AssumeRolePolicyDocument"]))
        for inline in properties.get("Policies", ()):
            yield Policy(stack, name, name, of, "identity", permits(inline["PolicyDocument"]))
        yield Policy(stack, name, name, of, "identity", frozenset(_managed(stack, properties)))
        for policy, resource in stack.resources.items():
            if resource["Type"] in _ATTACHED:
                given = stack.readable(resource.get("Properties", {}))
                if _is_attached(stack, policy, given, name, properties):
                    yield Policy(stack, policy, name, of, "identity", permits(given["PolicyDocument"]))
    elif kind not in _ATTACHED:
        holder = _target(stack, properties) or name
        of = _resource(kind, stack.path(holder))
        documents = list(filter(is_policy, properties.values()))
        for document in documents or _DEFAULTS.get(kind, []):
            yield Policy(stack, name, holder, of, "resource", permits(document))


def _is_attached(stack: Stack, policy: str, given: Json, name: str, properties: Json) -> bool:
    attached = [one for key in ("Roles", "Users", "Groups") for one in given.get(key, ())]
    mine = f"<{stack.path(name)}>"
    return f"<{stack.path(policy)}>" in properties.get("ManagedPolicyArns", ()) or mine in attached


def _managed(stack: Stack, properties: Json) -> Iterator[Permit]:
    """Policies that others keep: what is in them is not known here."""
    own = {f"<{stack.path(name)}>" for name, one in stack.resources.items() if one["Type"] in _ATTACHED}
    for arn in properties.get("ManagedPolicyArns", ()):
        if arn not in own:
            yield Permit("Allow", "", f"all that {_plain(str(arn))} allows", "*")


def _role(stack: Stack, name: str, properties: Json) -> str:
    """Of its description, as in `Nunchi prod: train`, or its path."""
    return str(properties.get("Description", "")).partition(": ")[2] or stack.path(name)


def _target(stack: Stack, properties: Json) -> str | None:
    """Logical id of what a policy that is a resource of its own is about."""
    named = next((properties[key] for key in ("Bucket", "Topics", "Queues") if properties.get(key)), "")
    words = named[0] if isinstance(named, list) else named
    return next((name for name in stack.resources if f"<{stack.path(name)}>" == words), None)


def _resource(kind: str, path: str) -> str:
    what = kind.rpartition(":")[2].removesuffix("Policy")
    what = "VPC endpoint" if what == "VPCEndpoint" else what.lower()
    return what if path.lower() == what else f"{what} {path}"


def _change(policy: Policy, permit: Permit) -> PermissionChange:
    return PermissionChange(
        policy.stack.name,
        policy.of,
        permit.effect,
        permit.action,
        _plain(permit.resource),
        _plain(permit.principal),
        words(permit.condition),
    )


def _plain(arn: str) -> str:
    """An ARN of this account without what every one of them begins with."""
    plain = re.sub(r"^arn:<partition>:[a-z0-9-]+:(<region>)?:(<account>)?:", "", arn)
    return arn if plain == "*" else plain


def by_resource(changes: Iterable[PermissionChange]) -> Mapping[tuple[str, ...], list[str]]:
    """The actions, by effect, resource, principal and condition."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in changes:
        found.setdefault((one.effect, one.resource, one.principal, one.condition), []).append(one.action)
    return found
