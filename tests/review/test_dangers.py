"""Dangers that the corpus does not have, since no stack of ours could have them, and their order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from review.dangers import judged
from review.model import ResourceChange
from review.resources import resource_changes
from tests.review.small import small_side

Json = dict[str, Any]

STACK = "nunchi-dev-training"


def reviewed(folder: Path, before: Json, after: Json) -> tuple[ResourceChange, ...]:
    base, head = (
        small_side(folder / name, {STACK: resources})
        for name, resources in (("before", before), ("after", after))
    )
    return judged(resource_changes(base, head), base, head)["dev"]


def dangers(folder: Path, before: Json, after: Json) -> list[str]:
    return [danger.category for one in reviewed(folder, before, after) for danger in one.dangers]


def message(folder: Path, before: Json, after: Json) -> str:
    (only,) = (danger.message for one in reviewed(folder, before, after) for danger in one.dangers)
    return only


def resource(kind: str, properties: Json | None = None, **more: Any) -> Json:
    return {"R": {"Type": f"AWS::{kind}", "Properties": properties or {}, **more}}


def bucket(*rules: Json) -> Json:
    return resource(
        "S3::Bucket", {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", **rule} for rule in rules]}}
    )


def group(**rules: Any) -> Json:
    egress = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}]
    return resource("EC2::SecurityGroup", {"SecurityGroupEgress": egress, **rules})


def rule(cidr: str = "10.0.0.0/16", first: int = 443, last: int = 443, **more: Any) -> Json:
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, "CidrIp": cidr, **more}


def alarm(**properties: Any) -> Json:
    given = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
        "MetricName": "Errors",
        **properties,
    }
    return resource("CloudWatch::Alarm", given)


@pytest.mark.parametrize(
    "kind", ["KMS::Key", "SSM::Parameter", "SQS::Queue", "DynamoDB::Table", "Logs::LogGroup"]
)
def test_what_holds_data_is_missed_when_it_goes(tmp_path: Path, kind: str) -> None:
    assert dangers(tmp_path, resource(kind), {}) == ["data"]


def test_what_stays_behind_is_told(tmp_path: Path) -> None:
    before = resource("S3::Bucket", DeletionPolicy="Retain")
    assert "the old one stays with its objects, unmanaged" in message(tmp_path, before, {})


def test_a_construct_that_was_renamed_is_recognised(tmp_path: Path) -> None:
    before, after = resource("S3::Bucket"), {"Renamed": {"Type": "AWS::S3::Bucket", "Properties": {}}}
    assert "It looks like Renamed renamed: override_logical_id" in message(tmp_path, before, after)


def test_metadata_of_the_champion_parameter_changes_nothing(tmp_path: Path) -> None:
    """CloudFormation updates a resource for its properties."""
    champion = {"Name": "/nunchi/dev/champion", "Value": "none"}
    before, after = (resource("SSM::Parameter", champion, Metadata={"note": note}) for note in ("a", "b"))
    assert dangers(tmp_path, before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([], [{"ExpirationInDays": 30}], ["data"]),
        ([{"ExpirationInDays": 30}], [], []),
        ([{"ExpirationInDays": 30}], [{"ExpirationInDays": 60}], []),
        ([{"ExpirationInDays": 30}], [{"ExpirationInDays": 30, "Prefix": "a/"}], []),
        ([{"ExpirationInDays": 30, "Prefix": "a/"}], [{"ExpirationInDays": 30}], ["data"]),
        ([], [{"ExpirationInDays": 30, "Status": "Disabled"}], []),
        ([], [{"Transitions": [{"StorageClass": "DEEP_ARCHIVE", "TransitionInDays": 9}]}], ["data"]),
        ([], [{"Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}]}], []),
        ([], [{"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}], ["data"]),
    ],
)
def test_objects_that_end_sooner_are_missed(
    tmp_path: Path, before: list[Json], after: list[Json], found: list[str]
) -> None:
    assert dangers(tmp_path, bucket(*before), bucket(*after)) == found


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([rule("10.0.0.0/16")], [rule("10.0.1.0/24")], []),
        ([rule("10.0.1.0/24")], [rule("10.0.0.0/16")], ["exposure"]),
        ([rule(first=80)], [rule(first=443)], []),
        ([rule(first=443)], [rule(first=80)], ["exposure"]),
        ([rule(IpProtocol="-1")], [rule()], []),
        ([rule(Description="a")], [rule(Description="b")], []),
        ([rule()], [], []),
        ([], [rule(CidrIp="::/0")], ["exposure"]),
    ],
)
def test_a_security_group_that_lets_more_through_is_seen(
    tmp_path: Path, before: list[Json], after: list[Json], found: list[str]
) -> None:
    sides = (group(SecurityGroupIngress=rules) for rules in (before, after))
    assert dangers(tmp_path, *sides) == found


def test_a_security_group_that_is_new_may_face_its_network(tmp_path: Path) -> None:
    assert dangers(tmp_path, {}, group(SecurityGroupIngress=[rule()])) == []


def test_a_security_group_that_is_new_may_not_face_the_world(tmp_path: Path) -> None:
    assert dangers(tmp_path, {}, group(SecurityGroupIngress=[rule("0.0.0.0/0")])) == ["exposure"]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {"Threshold": 9}, ["alarms"]),
        ({}, {"Threshold": 1}, []),
        (
            {"ComparisonOperator": "LessThanThreshold"},
            {"ComparisonOperator": "LessThanThreshold", "Threshold": 1},
            ["alarms"],
        ),
        ({}, {"EvaluationPeriods": 5}, ["alarms"]),
        ({"EvaluationPeriods": 5}, {"EvaluationPeriods": 1}, []),
        ({}, {"ActionsEnabled": False}, ["alarms"]),
        ({"AlarmActions": ["a", "b"]}, {"AlarmActions": ["b"]}, ["alarms"]),
        ({"AlarmActions": ["a"]}, {"AlarmActions": ["a", "b"]}, []),
        ({}, {"MetricName": "Warnings"}, ["alarms"]),
        ({"TreatMissingData": "breaching"}, {"TreatMissingData": "ignore"}, ["alarms"]),
        ({}, {"AlarmDescription": "느리다"}, []),
    ],
)
def test_an_alarm_that_rings_less_is_missed(
    tmp_path: Path, before: Json, after: Json, found: list[str]
) -> None:
    assert dangers(tmp_path, alarm(**before), alarm(**after)) == found


@pytest.mark.parametrize(
    ("kind", "before", "after", "found"),
    [
        ("SQS::Queue", {"KmsMasterKeyId": "k"}, {}, ["protection"]),
        ("SQS::Queue", {"KmsMasterKeyId": "k"}, {"KmsMasterKeyId": "alias/aws/sqs"}, ["protection"]),
        ("SQS::Queue", {}, {"KmsMasterKeyId": "k"}, []),
        ("RDS::DBInstance", {"DeletionProtection": True}, {"DeletionProtection": False}, ["protection"]),
        ("RDS::DBInstance", {"StorageEncrypted": True}, {"StorageEncrypted": False}, ["data", "protection"]),
        ("KMS::Key", {"PendingWindowInDays": 30}, {"PendingWindowInDays": 7}, ["protection"]),
        ("KMS::Key", {}, {"Enabled": False}, ["data"]),
        ("Logs::LogGroup", {"RetentionInDays": 30}, {}, []),
        ("Logs::LogGroup", {}, {"RetentionInDays": 30}, ["protection"]),
        ("IAM::Role", {"PermissionsBoundary": "b"}, {}, ["protection"]),
        ("EC2::FlowLog", {"TrafficType": "ALL"}, {"TrafficType": "REJECT"}, ["protection"]),
    ],
)
def test_a_protection_that_is_weaker_is_seen(
    tmp_path: Path, kind: str, before: Json, after: Json, found: list[str]
) -> None:
    assert dangers(tmp_path, resource(kind, before), resource(kind, after)) == found


def test_a_name_that_two_cannot_share_stops_the_deployment(tmp_path: Path) -> None:
    queues = (resource("SQS::Queue", {"QueueName": "q", "FifoQueue": fifo}) for fifo in (True, False))
    assert "downtime" in dangers(tmp_path, *queues)


def test_the_last_subscription_is_missed(tmp_path: Path) -> None:
    assert dangers(tmp_path, resource("SNS::Subscription"), {}) == ["alarms"]


def test_one_subscription_of_two_is_not(tmp_path: Path) -> None:
    other = {"Other": resource("SNS::Subscription")["R"]}
    assert dangers(tmp_path, {**resource("SNS::Subscription"), **other}, other) == []


def test_a_workflow_that_no_longer_tells_people_is_seen(tmp_path: Path) -> None:
    told = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish"}
    before: Json = {"States": {"Notify": told, "End": {}}}
    after: Json = {"States": {"End": {}}}
    machines = (
        resource("StepFunctions::StateMachine", {"DefinitionString": definition})
        for definition in (before, after)
    )
    assert dangers(tmp_path, *machines) == ["alarms"]


@pytest.mark.parametrize(
    "change",
    [
        {"EventPattern": {"detail": {"status": ["SUCCEEDED"]}}},
        {"EventPattern": {"detail": {"status": ["SUCCEEDED", "FAILED"], "name": ["a"]}}},
        {"Targets": []},
        {"State": "DISABLED"},
        None,
    ],
)
def test_a_rule_that_hears_of_less_or_starts_nothing_is_seen(tmp_path: Path, change: Json | None) -> None:
    before: Json = {
        "EventPattern": {"detail": {"status": ["SUCCEEDED", "FAILED"]}},
        "Targets": [{"Id": "notify", "Arn": "arn:aws:states:::notify"}],
    }
    after = {} if change is None else resource("Events::Rule", before | change)
    assert dangers(tmp_path, resource("Events::Rule", before), after) == ["alarms"]


def machine(**states: Json) -> dict[str, Json]:
    return resource("StepFunctions::StateMachine", {"DefinitionString": {"States": states}})


def test_a_failure_that_is_no_longer_caught_is_seen(tmp_path: Path) -> None:
    task: Json = {"Type": "Task"}
    caught = {**task, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Restore"}]}
    assert dangers(tmp_path, machine(Update=caught), machine(Update=task)) == ["protection"]


def test_a_sentence_that_a_new_model_is_no_longer_asked_is_seen(tmp_path: Path) -> None:
    asked, fewer = (
        machine(Ask={"Type": "Task", "Arguments": {"Body": json.dumps({"inputs": texts})}})
        for texts in (["좋아요", "싫어요"], ["좋아요"])
    )
    assert dangers(tmp_path, asked, fewer) == ["protection"]


def test_a_model_that_no_person_approves_any_more_is_seen(tmp_path: Path) -> None:
    by_person, at_once = (
        machine(Gate={"Type": "Choice"}, Register={"Arguments": {"ModelApprovalStatus": status}})
        for status in ("PendingManualApproval", "Approved")
    )
    assert dangers(tmp_path, by_person, at_once) == ["protection"]


def test_what_a_new_role_may_do_is_said_in_one_message(tmp_path: Path) -> None:
    document = {
        "Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "a/*"}
    }
    new = resource(
        "IAM::Role", {"Description": "Nunchi dev: serve", "Policies": [{"PolicyDocument": document}]}
    )
    assert message(tmp_path, {}, new) == (
        "The role of serve is new, and from now on may do s3:GetObject, s3:PutObject on a/*"
        " (before: nothing like it)"
    )


def test_the_most_dangerous_comes_first(tmp_path: Path) -> None:
    before = {
        "A": alarm()["R"],
        "B": resource("S3::Bucket")["R"],
        "C": resource("SageMaker::Endpoint")["R"],
        "D": resource("SNS::Topic", {"DisplayName": "a"})["R"],
    }
    after = {"D": resource("SNS::Topic", {"DisplayName": "b"})["R"]}
    assert [one.logical_id for one in reviewed(tmp_path, before, after)] == ["B", "C", "A", "D"]
