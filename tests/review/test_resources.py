"""What happens to the resources of small stacks, and what of their differences means nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from review.model import PropertyChange, ResourceChange, Side
from review.resources import resource_changes
from tests.review.small import digest, small_side

Json = dict[str, Any]

STACK = "nunchi-dev-storage"


def changes(folder: Path, before: Json, after: Json, **more: Any) -> tuple[ResourceChange, ...]:
    sides = [
        small_side(folder / name, {STACK: resources}, **more)
        for name, resources in (("before", before), ("after", after))
    ]
    return resource_changes(*sides)["dev"]


def bucket(**properties: Any) -> Json:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def tag(key: str) -> Json:
    return {"Key": key, "Value": "값"}


def policy(*statements: Json) -> Json:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}


def allow(*actions: str, on: str = "*", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({}, {"Data": bucket()}, "added"),
        ({"Data": bucket()}, {}, "removed"),
        ({"Data": bucket(BucketName="a")}, {"Data": bucket(BucketName="b")}, "replaced"),
        ({"Data": bucket(Tags=[])}, {"Data": bucket(Tags=[{"Key": "a", "Value": "b"}])}, "changed"),
        ({"Data": bucket()}, {"Data": {**bucket(), "DeletionPolicy": "Retain"}}, "changed"),
    ],
)
def test_the_kind_is_what_cloudformation_does(tmp_path: Path, before: Json, after: Json, kind: str) -> None:
    assert [change.kind for change in changes(tmp_path, before, after)] == [kind]


def test_what_is_retained_says_so_when_it_is_removed(tmp_path: Path) -> None:
    (change,) = changes(tmp_path, {"Data": {**bucket(), "DeletionPolicy": "Retain"}}, {})
    assert change.properties == (PropertyChange("DeletionPolicy", "Retain", None),)


def test_a_property_is_named_by_its_path(tmp_path: Path) -> None:
    sides = ({"Data": bucket(Rules=[{"Id": "expire", "Days": days}])} for days in (180, 30))
    (change,) = changes(tmp_path, *sides)
    assert change.properties == (PropertyChange("Rules[expire].Days", 180, 30),)


def test_the_property_that_replaces_is_marked(tmp_path: Path) -> None:
    sides = ({"Data": bucket(BucketName=name)} for name in ("a", "b"))
    (change,) = changes(tmp_path, *sides)
    assert change.properties == (PropertyChange("BucketName", "a", "b", replaces=True),)


def test_intrinsic_functions_are_words(tmp_path: Path) -> None:
    arn = {"Fn::Join": ["", ["arn:aws:s3:::", {"Fn::ImportValue": "nunchi-dev-DataBucket"}, "/*"]]}
    sides = ({"Data": bucket(Note=note)} for note in ("x", arn))
    (change,) = changes(tmp_path, *sides)
    assert change.properties[0].after == "arn:aws:s3:::<data bucket>/*"


def test_a_resource_goes_by_the_path_of_its_construct(tmp_path: Path) -> None:
    noted = {f"/{STACK}/Realtime/Data": [{"type": "aws:cdk:logicalId", "data": "RealtimeData1234ABCD"}]}
    (change,) = changes(tmp_path, {}, {"RealtimeData1234ABCD": bucket()}, metadata={STACK: noted})
    assert change.name == f"{STACK}/Realtime/Data"


def test_what_uses_a_replaced_resource_is_updated(tmp_path: Path) -> None:
    user = {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Ref": "Data"}}}
    sides = ({"Data": bucket(BucketName=name), "User": user} for name in ("a", "b"))
    _, change = changes(tmp_path, *sides)
    assert change.properties == (PropertyChange("Value", "<Data>", "<Data> (replaced)"),)


def test_what_cannot_outlive_a_replaced_resource_is_replaced_too(tmp_path: Path) -> None:
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}}}
    sides = (
        {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}}, "Subnet": subnet}
        for cidr in ("10.0.0.0/16", "10.1.0.0/16")
    )
    _, change = changes(tmp_path, *sides)
    assert (change.kind, change.properties[0].replaces) == ("replaced", True)


def test_a_json_text_is_shown_as_what_changed_in_it(tmp_path: Path) -> None:
    def machine(seconds: int) -> Json:
        text = json.dumps({"States": {"학습": {"Seconds": seconds, "Arn": "…"}}}, ensure_ascii=False)
        head, tail = text.split("…")
        joined = {"Fn::Join": ["", [head, {"Ref": "Role"}, tail]]}
        return {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": joined}}

    (change,) = changes(tmp_path, {"Machine": machine(60)}, {"Machine": machine(90)})
    assert change.properties == (PropertyChange("DefinitionString.States.학습.Seconds", 60, 90),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([allow("s3:Get*"), allow("sqs:*")], [allow("sqs:*"), allow("s3:Get*")]),
        ([allow("s3:Get*", "s3:Put*")], [allow("s3:Put*", "s3:Get*")]),
        ([allow("s3:Get*", "s3:Put*")], [allow("s3:Get*"), allow("s3:Put*")]),
        ([{**allow(), "Action": "s3:Get*"}], [allow("s3:Get*")]),
    ],
    ids=["statements", "actions", "grouping", "a list of one"],
)
def test_the_same_policy_written_otherwise_is_no_change(
    tmp_path: Path, before: list[Json], after: list[Json]
) -> None:
    assert changes(tmp_path, {"P": policy(*before)}, {"P": policy(*after)}) == ()


def test_a_statement_with_another_name_is_a_change(tmp_path: Path) -> None:
    (change,) = changes(tmp_path, {"P": policy(allow("s3:*"))}, {"P": policy(allow("s3:*", Sid="All"))})
    assert change.kind == "changed"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (bucket(), {**bucket(), "Metadata": {"aws:cdk:path": "storage/Data"}}),
        ({**bucket(), "DependsOn": ["A", "B"]}, {**bucket(), "DependsOn": ["B", "A"]}),
        (bucket(Tags=[tag("a"), tag("b")]), bucket(Tags=[tag("b"), tag("a")])),
    ],
    ids=["where it was made", "the order of what it waits for", "the order of its tags"],
)
def test_what_means_nothing_is_no_change(tmp_path: Path, before: Json, after: Json) -> None:
    assert changes(tmp_path, {"Data": before}, {"Data": after}) == ()


def test_the_digest_of_the_code_is_no_change(tmp_path: Path) -> None:
    sides = [
        small_side(
            tmp_path / name, {STACK: {"Data": bucket(Code=f"{digest(0, name)}.gz")}}, assets=[name.encode()]
        )
        for name in ("before", "after")
    ]
    assert resource_changes(*sides) == {"dev": ()}


def test_a_stack_that_is_new_is_told_as_a_whole(tmp_path: Path) -> None:
    sides = small_side(tmp_path / "before", {}), small_side(tmp_path / "after", {STACK: {}})
    assert [(one.path, one.kind) for one in resource_changes(*sides)["dev"]] == [("Stack", "added")]


def test_the_protection_of_a_stack_is_its_own_property(base: Side, unprotected: Side) -> None:
    changed = [one for one in resource_changes(base, unprotected)["prod"] if one.path == "Stack"]
    assert {one.properties for one in changed} == {(PropertyChange("TerminationProtection", True, False),)}


@pytest.fixture(scope="module")
def unprotected(change: Any) -> Side:
    side: Side = change(("config/prod.yaml", "termination_protection: true\n", ""))
    return side
