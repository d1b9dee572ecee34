"""What the rule packs find that they did not find before, and which findings are acknowledged.

Where checkov and cfn-lint are told in a template to pass something over, that is an acknowledgement too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from review.assembly import Assembly, Stack, read
from review.model import Finding, Side

Findings = tuple[Finding, ...]

_NOT_SAID = "the template does not say why"


def finding_changes(base: Side, head: Side) -> dict[str, tuple[Findings, Findings, Findings]]:
    """New findings, new acknowledgements and those that are gone, by environment.

    An acknowledgement with another reason is a new one, and the one with the old reason is gone. A finding of
    one construct and one rule is the same whatever digests stand in it.
    """
    before, after = read(base.assembly), read(head.assembly)
    changes = {}
    for environment in sorted({*before.environments, *after.environments}):
        old_findings, new_findings = (_found(side, environment) for side in (before, after))
        old, new = (_acknowledged(side, environment) for side in (before, after))
        changes[environment] = (
            _without(new_findings, old_findings),
            _without(new, old),
            _without(old, new),
        )
    return changes


def _found(assembly: Assembly, environment: str) -> Findings:
    stacks = assembly.of(environment)
    return tuple(
        _bare(finding) for finding in assembly.findings if finding.path.strip("/").split("/")[0] in stacks
    )


def _acknowledged(assembly: Assembly, environment: str) -> Findings:
    return tuple(
        _bare(finding)
        for stack in assembly.of(environment).values()
        for finding in (*stack.acknowledgements(), *_passed_over(stack))
    )


def _passed_over(stack: Stack) -> Iterator[Finding]:
    """What checkov and cfn-lint are told to pass over, in a resource or in the whole template."""
    templates = {"": stack.template, **stack.resources}
    for logical_id, resource in templates.items():
        path = f"{stack.name}/{stack.path(logical_id)}".rstrip("/")
        metadata = resource.get("Metadata", {})
        for skipped in metadata.get("checkov", {}).get("skip", ()):
            yield Finding(path, skipped["id"], skipped.get("comment", _NOT_SAID))
        for rule in metadata.get("cfn-lint", {}).get("config", {}).get("ignore_checks", ()):
            yield Finding(path, rule, _NOT_SAID)


def _bare(finding: Finding) -> Finding:
    rule = re.sub(r"\b[0-9a-f]{64}\b", "<digest>", finding.rule)
    return Finding(finding.path.strip("/"), rule, finding.reason)


def _without(findings: Findings, others: Iterable[Finding]) -> Findings:
    """Each of `findings` once, sorted, without `others`."""
    return tuple(sorted({*findings} - {*others}, key=lambda one: (one.path, one.rule, one.reason)))
