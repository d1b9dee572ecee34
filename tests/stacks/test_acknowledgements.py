"""The findings that are acknowledged: each one granular, with a reason, and still there."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.security import Assembly
from stacks.settings import Settings
from tests.stacks.resolved import findings

# The rule packs' own names; AwsSolutions-IAM5 has a finding for each action and resource.
WILDCARD = "AwsSolutions-IAM5"
WHOLE_RULES = {
    "HIPAA.Security-DynamoDBInBackupPlan",
    "NIST.800.53.R5-DynamoDBInBackupPlan",
    "AwsSolutions-S1",
    "AwsSolutions-SQS3",
    *(
        f"{pack}-{rule}"
        for pack in ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")
        for rule in (
            "S3BucketLoggingEnabled",
            "S3BucketReplicationEnabled",
            "S3DefaultEncryptionKMS",
            "VPCDefaultSecurityGroupClosed",
        )
    ),
}


@pytest.fixture(scope="session")
def stacks(assembly: Path) -> Assembly:
    return Assembly(assembly)


def test_a_wildcard_is_acknowledged_by_the_resource_that_it_is_in(stacks: Assembly) -> None:
    """The rule as a whole would let the next wildcard through unseen."""
    found = [
        finding
        for stack in stacks.stacks
        for _, _, finding, _ in stack.acknowledged()
        if finding.startswith(WILDCARD)
    ]
    assert found
    assert [one for one in found if not one.startswith(f"{WILDCARD}[Resource::")] == []


def test_every_acknowledged_wildcard_is_still_in_its_policy(stacks: Assembly) -> None:
    """What nobody needs any more reads as if somebody did."""
    stale = []
    for stack in stacks.stacks:
        for path, policy, finding, _ in stack.acknowledged():
            if finding.startswith(WILDCARD):
                statements = stack.resources[policy]["Properties"]["PolicyDocument"]["Statement"]
                resources = {stacks.words(stack, one) for each in statements for one in each["Resource"]}
                if stacks.words(stack, finding.partition("[Resource::")[2][:-1]) not in resources:
                    stale.append((path, finding))
    assert stale == []


def test_no_other_rule_is_acknowledged_than_those_that_were_reviewed(stacks: Assembly) -> None:
    acknowledged = {
        finding
        for stack in stacks.stacks
        for _, _, finding, _ in stack.acknowledged()
        if not finding.startswith(WILDCARD)
    }
    assert acknowledged == WHOLE_RULES


def test_whole_stacks_are_excused_from_replication_alone(stacks: Assembly) -> None:
    """Anything else is acknowledged for the one resource that it is about."""
    wide = {
        finding.rpartition("-")[2]
        for stack in stacks.stacks
        for path, _, finding, _ in stack.acknowledged()
        if path.count("/") == 1
    }
    assert wide == {"S3BucketReplicationEnabled"}


def test_every_finding_that_checkov_passes_over_has_its_reason(stacks: Assembly) -> None:
    skipped = [
        one
        for stack in stacks.stacks
        for resource in stack.resources.values()
        for one in resource.get("Metadata", {}).get("checkov", {}).get("skip", ())
    ]
    assert [one for one in skipped if len(one["comment"]) < 20] == []


def test_every_way_to_configure_an_environment_passes_the_rule_packs(
    variant_assembly: tuple[Path, list[Settings]],
) -> None:
    """A GPU, or a model of the Hub, must not wait for a change of the stacks when a team needs it."""
    folder, _ = variant_assembly
    assert findings(folder) == []
