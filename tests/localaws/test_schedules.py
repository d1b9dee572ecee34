import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from localaws import LocalAws
from tests.localaws.helpers import ROLE, wait
from tests.localaws.stacks import Json, deploy, own, reasons, remove, settled, tags

SEOUL = "Asia/Seoul"


def at(zone: str, seconds: int = 1) -> str:
    return f"at({datetime.now(ZoneInfo(zone)) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S})"


def template(expression: str, **more: Any) -> Json:
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    target = {
        "Arn": {"Ref": "Machine"},
        "RoleArn": ROLE,
        "Input": '{"by": "schedule"}',
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}},
    }
    schedule = {
        "GroupName": {"Ref": "Group"},
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
        **more,
    }
    return {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": ROLE, "DefinitionString": definition},
            },
            "Dead": {"Type": "AWS::SQS::Queue"},
            "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Tags": tags(env="dev")}},
            "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule},
        }
    }


def executions(aws: LocalAws, machine: str) -> list[str]:
    """The inputs of the state machine's executions."""
    client = aws.client("stepfunctions")
    found = client.list_executions(stateMachineArn=machine)["executions"]
    return [client.describe_execution(executionArn=one["executionArn"])["input"] for one in found]


def test_moment_in_its_time_zone_starts_an_execution_and_a_changed_one_another(
    aws: LocalAws, name: str
) -> None:
    made = deploy(aws, name, template(at(SEOUL), ScheduleExpressionTimezone=SEOUL))
    wait(lambda: executions(aws, made["Machine"]) == ['{"by": "schedule"}'])
    schedule = aws.client("scheduler").get_schedule(Name=made["Schedule"], GroupName=made["Group"])
    assert schedule["ScheduleExpressionTimezone"] == SEOUL
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 2
    assert schedule["Target"]["DeadLetterConfig"]["Arn"].endswith(made["Dead"].rpartition("/")[2])
    assert deploy(aws, name, template(at("UTC"))) == made
    wait(lambda: len(executions(aws, made["Machine"])) == 2)
    remove(aws, name)
    client = aws.client("scheduler")
    assert made["Group"] not in [group["Name"] for group in client.list_schedule_groups()["ScheduleGroups"]]
    assert made["Schedule"] not in [one["Name"] for one in client.list_schedules()["Schedules"]]


def test_rate_starts_an_execution_at_once_and_no_other_before_its_time(aws: LocalAws, name: str) -> None:
    made = deploy(aws, name, template("rate(1 minute)"))
    wait(lambda: executions(aws, made["Machine"]))
    deploy(aws, name, template("rate(1 minute)", Description="the same"))
    deploy(aws, name, template("rate(1 minute)", State="DISABLED"))
    assert len(executions(aws, made["Machine"])) == 1
    group = aws.client("scheduler").get_schedule_group(Name=made["Group"])["Arn"]
    assert own(aws.client("scheduler").list_tags_for_resource(ResourceArn=group)["Tags"]) == {"env": "dev"}


@pytest.mark.parametrize(
    ("more", "named"),
    [({"Colour": "red"}, "Colour"), ({"GroupName": "nobody"}, "group nobody does not exist")],
)
def test_schedule_that_cannot_be_fails_by_name(
    aws: LocalAws, name: str, more: dict[str, str], named: str
) -> None:
    body = json.dumps(template("rate(1 hour)", **more))
    aws.client("cloudformation").create_stack(StackName=name, TemplateBody=body)
    assert settled(aws, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(named in reason for reason in reasons(aws, name))


@pytest.mark.parametrize(("time", "expected"), [("17:59:59", False), ("18:00:00", True)])
def test_hour_of_a_cron_expression_is_that_of_its_time_zone(time: str, expected: bool) -> None:
    from localaws import schedules

    def epoch(moment: str) -> float:
        return datetime.fromisoformat(f"2026-01-05T{moment}+00:00").timestamp()

    schedule = {
        "ScheduleExpression": "cron(0 3 ? * TUE *)",  # on Monday at 18:00 in Greenwich
        "ScheduleExpressionTimezone": SEOUL,
        "LastModificationDate": epoch("17:00:00"),
    }
    assert schedules._due(schedule, None, epoch(time)) is expected
    assert not schedules._due(schedule, epoch("18:00:00"), epoch("18:00:01"))
