"""What both pages say in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from review.contents import Contents
from review.model import EnvironmentReview

_KINDS = ("replaced", "perhaps replaced", "removed", "changed", "added")


def verdict(said: Contents) -> str:
    """The whole in a line."""
    found = {one.name: len(list(one.dangers)) for one in said.environments}
    if count := sum(found.values()):
        each = (f"{name} {number}" for name, number in found.items() if number)
        return f"{count} danger{'s' * (count > 1)}: {', '.join(each)}"
    if said.changes_infrastructure:
        happens = {one.name: resources(one) for one in said.environments}
        each = (f"{name} ({what})" for name, what in happens.items() if what)
        return ": ".join(filter(None, ("Nothing dangerous", "; ".join(each))))
    files = said.review.code
    if not all(file.only_comments for file in files):
        return "Nothing but the training code changes"
    sentences = []
    if said.review.libraries:
        sentences.append(f"Nothing that is deployed changes with {listed(said.review.libraries)}.")
    if files:
        names = ", ".join(file.path for file in files)
        sentences.append(
            f"The training code changes in comments alone ({names}):"
            " nothing that is deployed behaves differently."
        )
    return " ".join(sentences) or "Nothing changes."


def dangers(environment: EnvironmentReview) -> str:
    """How many, and of which categories."""
    categories = [danger.category for _, danger in environment.dangers]
    return f"{len(categories)} ({', '.join(dict.fromkeys(categories))})" if categories else "none"


def is_quiet(said: Contents) -> bool:
    """Whether the verdict is all there is to say."""
    return not said.changes_infrastructure and all(file.only_comments for file in said.review.code)


def resources(environment: EnvironmentReview) -> str:
    """What happens to the resources of an environment; empty when nothing does."""
    if environment.code_only:
        return "the code alone"
    kinds = [resource.kind for resource in environment.resources]
    if set(kinds) == {"added"} and environment.cost_before is None:
        return f"a new environment, {counts(kinds)}"
    if set(kinds) == {"removed"} and environment.cost_after is None:
        return f"the environment goes, {counts(kinds)}"
    return counts(kinds)


def counts(kinds: Iterable[str]) -> str:
    """How many of each kind, as in `1 replaced, 2 changed`."""
    found = list(kinds)
    return ", ".join(f"{found.count(kind)} {kind}" for kind in _KINDS if kind in found)


def kind_of_resource(name: str) -> str:
    """`AWS::S3::BucketPolicy` → `S3 bucket policy`."""
    *_, service, what = name.split("::")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", what).split()
    return " ".join([service, *(word if word.isupper() else word.lower() for word in words)])


def listed(names: Iterable[str]) -> str:
    """`dev, staging and prod`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
