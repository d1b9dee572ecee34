"""What a review says of the rule packs' findings, and of what is acknowledged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from review.findings import Findings, finding_changes
from review.model import Finding, Side
from tests.review.conftest import Change
from tests.review.small import small_side

STACK = "nunchi-dev-storage"


def acknowledged(**findings: str) -> dict[str, Any]:
    """The metadata of a bucket with acknowledged findings and their reasons."""
    entries = [
        {"type": "aws:cdk:acknowledged-rules", "data": {f"Annotation::{rule}": reason}}
        for rule, reason in findings.items()
    ]
    logical_id = {"type": "aws:cdk:logicalId", "data": "Data1234"}
    return {STACK: {f"/{STACK}/Data": [*entries, logical_id]}}


def passed_over(**metadata: Any) -> dict[str, Any]:
    """A template's bucket with such metadata."""
    return {STACK: {"Data1234": {"Type": "AWS::S3::Bucket", "Metadata": metadata}}}


def test_nothing_is_new_where_nothing_changed(tmp_path: Path) -> None:
    sides = (
        small_side(
            tmp_path / name,
            {STACK: {}},
            metadata=acknowledged(S1="why"),
            findings={f"{STACK}/Data": "S2"},
        )
        for name in ("base", "head")
    )
    assert finding_changes(*sides) == {"dev": ((), (), ())}


def test_a_finding_that_was_not_there_is_new(tmp_path: Path) -> None:
    base = small_side(tmp_path / "base", {STACK: {}}, findings={f"{STACK}/Old": "S1"})
    head = small_side(tmp_path / "head", {STACK: {}}, findings={f"{STACK}/Old": "S1", f"{STACK}/Data": "S1"})
    assert finding_changes(base, head)["dev"] == ((Finding(f"{STACK}/Data", "S1"),), (), ())


def test_a_finding_is_of_its_stacks_environment_alone(tmp_path: Path) -> None:
    stacks: dict[str, Any] = {STACK: {}, "nunchi-dev2-storage": {}}
    base = small_side(tmp_path / "base", stacks)
    head = small_side(tmp_path / "head", stacks, findings={"/nunchi-dev2-storage/Data": "S1"})
    assert finding_changes(base, head) == {
        "dev": ((), (), ()),
        "dev2": ((Finding("nunchi-dev2-storage/Data", "S1"),), (), ()),
    }


def test_a_finding_whose_digest_alone_changed_is_not_new(tmp_path: Path) -> None:
    base, head = (
        small_side(
            tmp_path / name,
            {STACK: {}},
            findings={f"{STACK}/Role": f"IAM5[Resource::assets/{digit * 64}*]"},
        )
        for name, digit in (("base", "a"), ("head", "b"))
    )
    assert finding_changes(base, head)["dev"] == ((), (), ())


def test_acknowledgements_come_and_go_with_their_reasons(tmp_path: Path) -> None:
    base = small_side(tmp_path / "base", {STACK: {}}, metadata=acknowledged(S1="이유", S2="old"))
    head = small_side(tmp_path / "head", {STACK: {}}, metadata=acknowledged(S1="이유", S3="new"))
    assert finding_changes(base, head)["dev"] == (
        (),
        (Finding(f"{STACK}/Data", "S3", "new"),),
        (Finding(f"{STACK}/Data", "S2", "old"),),
    )


def test_an_acknowledgement_with_another_reason_is_new_and_the_old_one_gone(tmp_path: Path) -> None:
    base = small_side(tmp_path / "base", {STACK: {}}, metadata=acknowledged(S1="why"))
    head = small_side(tmp_path / "head", {STACK: {}}, metadata=acknowledged(S1="because"))
    assert finding_changes(base, head)["dev"] == (
        (),
        (Finding(f"{STACK}/Data", "S1", "because"),),
        (Finding(f"{STACK}/Data", "S1", "why"),),
    )


@pytest.mark.parametrize(
    ("metadata", "rule", "reason"),
    [
        ({"checkov": {"skip": [{"id": "CKV_AWS_18", "comment": "로그"}]}}, "CKV_AWS_18", "로그"),
        ({"checkov": {"skip": [{"id": "CKV_AWS_18"}]}}, "CKV_AWS_18", "the template does not say why"),
        ({"cfn-lint": {"config": {"ignore_checks": ["I3011"]}}}, "I3011", "the template does not say why"),
    ],
    ids=["checkov", "checkov without a reason", "cfn-lint"],
)
def test_what_a_scanner_passes_over_is_an_acknowledgement(
    tmp_path: Path, metadata: dict[str, Any], rule: str, reason: str
) -> None:
    base = small_side(tmp_path / "base", passed_over(), metadata=acknowledged())
    head = small_side(tmp_path / "head", passed_over(**metadata), metadata=acknowledged())
    assert finding_changes(base, head)["dev"] == ((), (Finding(f"{STACK}/Data", rule, reason),), ())


def test_an_environment_that_is_new_has_all_that_it_acknowledges(tmp_path: Path) -> None:
    base = small_side(tmp_path / "base", {})
    head = small_side(tmp_path / "head", {STACK: {}}, metadata=acknowledged(S1="why"))
    assert finding_changes(base, head) == {"dev": ((), (Finding(f"{STACK}/Data", "S1", "why"),), ())}


@pytest.fixture(scope="session")
def unacknowledged(base: Side, change: Change) -> dict[str, tuple[Findings, Findings, Findings]]:
    """What the review says when the reasons for one rule of the bucket for access logs are taken away."""
    rule = 'in_every_pack(\n                "S3DefaultEncryptionKMS",'
    other = 'in_every_pack(\n                "S3BucketVersioningEnabled",'
    return finding_changes(base, change(("stacks/storage.py", rule, other)))


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_what_the_packs_really_find_is_read(
    unacknowledged: dict[str, tuple[Findings, Findings, Findings]], environment: str
) -> None:
    found, _, _ = unacknowledged[environment]
    assert found == tuple(
        Finding(f"nunchi-{environment}-storage/AccessLogs", f"{pack}-S3DefaultEncryptionKMS")
        for pack in ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")
    )


def test_what_was_really_acknowledged_is_read(
    unacknowledged: dict[str, tuple[Findings, Findings, Findings]],
) -> None:
    _, _, gone = unacknowledged["prod"]
    assert {finding.rule.partition("-")[2] for finding in gone} == {"S3DefaultEncryptionKMS"}
