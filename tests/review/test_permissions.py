"""Who may do more, and who less; policies are compared by what they permit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from review.model import PermissionChange
from review.permissions import permission_changes
from review.policies import beyond, permits
from tests.review.small import small_side

Json = dict[str, Any]

STACK = "nunchi-dev-training"


def allow(action: str = "s3:GetObject", on: Any = "a/*", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


def deny(action: str = "s3:*", on: str = "a/*", **more: Any) -> Json:
    return {**allow(action, on), "Effect": "Deny", **more}


def role(*statements: Json, trusts: str = "sagemaker.amazonaws.com", **more: Any) -> Json:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": trusts}}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": list(statements)}}]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Description": "Nunchi dev: train",
            "AssumeRolePolicyDocument": {"Statement": [trust]},
            "Policies": policies,
            **more,
        },
    }


def bucket_policy(*statements: Json) -> Json:
    properties = {"Bucket": {"Ref": "Data"}, "PolicyDocument": {"Statement": list(statements)}}
    return {"Type": "AWS::S3::BucketPolicy", "Properties": properties}


BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}


def compared(
    folder: Path, before: Json, after: Json
) -> tuple[tuple[PermissionChange, ...], tuple[PermissionChange, ...]]:
    sides = [
        small_side(folder / name, {STACK: resources})
        for name, resources in (("before", before), ("after", after))
    ]
    return permission_changes(*sides)["dev"]


def when(**keys: Any) -> Json:
    return {"Condition": {"StringEquals": keys}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (allow("s3:*"), allow("s3:GetObject")),
        (allow("s3:Get*"), allow("s3:getobject")),
        (allow(on="a/*"), allow(on="a/b/*")),
        (allow(on="*"), allow(on="a/?")),
        (allow(), allow(**when(account="1"))),
        (allow(**when(account=["1", "2"])), allow(**when(account="1"))),
        (allow(Condition={"StringLike": {"name": "a*"}}), allow(Condition={"StringLike": {"name": "ab*"}})),
        (
            allow(Condition={"StringNotEquals": {"name": "a"}}),
            allow(Condition={"StringNotEquals": {"name": ["a", "b"]}}),
        ),
        (deny("s3:GetObject"), deny("s3:*")),
        (deny(**when(account="1")), deny()),
    ],
)
def test_less_is_narrowed_and_nothing_is_widened(tmp_path: Path, before: Json, after: Json) -> None:
    widened, narrowed = compared(tmp_path, {"R": role(before)}, {"R": role(after)})
    assert (bool(widened), bool(narrowed)) == (False, True)


@pytest.mark.parametrize(
    "pair",
    [
        ("a/?", "a/*"),
        ("a/*/c", "a/*"),
        ("[ab]", "a"),
    ],
)
def test_a_pattern_covers_only_what_it_matches(pair: tuple[str, str]) -> None:
    known, new = (permits({"Statement": allow(on=on)}) for on in pair)
    assert len(beyond(new, known)) == 1


def test_the_partition_by_its_name_is_the_partition(tmp_path: Path) -> None:
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::a"]]}
    before, after = role(allow(on="arn:aws:s3:::a")), role(allow(on=arn))
    assert compared(tmp_path, {"R": before}, {"R": after}) == ((), ())


def test_a_new_action_is_widened_in_readable_words(tmp_path: Path) -> None:
    resource = {"Fn::Join": ["", ["arn:aws:s3:::", {"Fn::ImportValue": "nunchi-dev-DataBucket"}, "/*"]]}
    after = role(allow(), allow("s3:PutObject", resource))
    widened, _ = compared(tmp_path, {"R": role(allow())}, {"R": after})
    assert widened == (PermissionChange(STACK, "role of train", "Allow", "s3:PutObject", "<data bucket>/*"),)


def test_what_is_gone_is_narrowed(tmp_path: Path) -> None:
    _, narrowed = compared(tmp_path, {"R": role(allow(), allow("sqs:*"))}, {"R": role(allow())})
    assert [one.action for one in narrowed] == ["sqs:*"]


def test_another_account_stays_visible(tmp_path: Path) -> None:
    arn = "arn:aws:s3:ap-northeast-2:210987654321:b"
    widened, _ = compared(tmp_path, {"R": role()}, {"R": role(allow(on=arn))})
    assert "210987654321" in widened[0].resource


def test_a_condition_that_goes_widens(tmp_path: Path) -> None:
    before, after = role(allow(**when(account="1"))), role(allow())
    widened, narrowed = compared(tmp_path, {"R": before}, {"R": after})
    assert (widened[0].condition, narrowed) == ("", ())


def test_another_service_that_is_trusted_widens(tmp_path: Path) -> None:
    widened, _ = compared(tmp_path, {"R": role()}, {"R": role(trusts="ec2.amazonaws.com")})
    assert [(one.action, one.principal) for one in widened] == [("sts:AssumeRole", "ec2.amazonaws.com")]


def test_a_policy_of_others_widens(tmp_path: Path) -> None:
    after = role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])
    widened, _ = compared(tmp_path, {"R": role()}, {"R": after})
    assert widened[0].action == "all that arn:aws:iam::aws:policy/AdministratorAccess allows"


def test_a_policy_that_moves_into_the_role_changes_nothing(tmp_path: Path) -> None:
    properties = {"PolicyDocument": {"Statement": [allow()]}}
    attached = role(ManagedPolicyArns=[{"Ref": "P"}])
    before = {"R": attached, "P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}}
    assert compared(tmp_path, before, {"R": role(allow())}) == ((), ())


def test_a_role_whose_construct_is_renamed_changes_nothing(tmp_path: Path) -> None:
    assert compared(tmp_path, {"Train": role(allow())}, {"Training": role(allow())}) == ((), ())


def test_a_role_that_is_described_anew_changes_nothing(tmp_path: Path) -> None:
    assert compared(tmp_path, {"R": role(allow())}, {"R": role(allow(), Description="Dev: fit")}) == ((), ())


def test_a_denial_that_goes_widens(tmp_path: Path) -> None:
    before = {"Data": BUCKET, "P": bucket_policy(deny(Principal="*"))}
    widened, _ = compared(tmp_path, before, {"Data": BUCKET})
    assert [(one.effect, one.of, one.principal) for one in widened] == [("Deny", "bucket Data", "*")]


def test_a_denial_that_goes_with_what_it_was_about_does_not(tmp_path: Path) -> None:
    before = {"Data": BUCKET, "P": bucket_policy(deny(Principal="*"))}
    assert compared(tmp_path, before, {})[0] == ()


def test_a_vpc_endpoint_without_a_policy_lets_everything_through(tmp_path: Path) -> None:
    endpoint: Json = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {}}
    own = {"PolicyDocument": {"Statement": [allow(Principal="*")]}}
    before = {"S3": {**endpoint, "Properties": own}}
    widened, _ = compared(tmp_path, before, {"S3": endpoint})
    assert [(one.principal, one.action, one.resource) for one in widened] == [("*", "*", "*")]


def test_all_but_some_covers_nothing_but_itself(tmp_path: Path) -> None:
    but = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    widened, _ = compared(tmp_path, {"R": role(allow("s3:*", "*"))}, {"R": role(but)})
    assert [one.action for one in widened] == ["all but iam:*"]
