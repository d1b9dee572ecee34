from __future__ import annotations

import pytest

from stacks.settings import ScheduleSettings
from tests.stacks.policies import Call, roles
from tests.stacks.resolved import Environment, Json

SCHEDULED = ["staging", "prod"]
scheduled = pytest.mark.parametrize("name", SCHEDULED)


@pytest.fixture
def environment(environments: dict[str, Environment], name: str) -> Environment:
    return environments[name]


def schedule(environment: Environment, part: str = "training") -> Json:
    return environment.properties(part, "AWS::Scheduler::Schedule")


def settings(environment: Environment) -> ScheduleSettings:
    found = environment.settings.training.schedule
    assert found
    return found


def test_an_environment_without_a_schedule_starts_nothing_by_itself(
    environments: dict[str, Environment],
) -> None:
    kinds = {resource["Type"] for resource in environments["dev"].templates["training"].resources.values()}
    assert not [kind for kind in kinds if kind.startswith("AWS::Scheduler::")]


@scheduled
def test_the_retrain_starts_when_the_settings_say_in_koreas_time(environment: Environment) -> None:
    """Read in UTC, three at night is noon in Seoul: the busiest hour of the endpoint it then changes."""
    found = schedule(environment)
    assert found["ScheduleExpression"] == settings(environment).expression
    assert found["ScheduleExpressionTimezone"] == "Asia/Seoul"


@scheduled
def test_the_start_may_wait_for_its_window(environment: Environment) -> None:
    assert schedule(environment)["FlexibleTimeWindow"] == {
        "Mode": "FLEXIBLE",
        "MaximumWindowInMinutes": settings(environment).flexible_minutes,
    }


def test_without_a_window_the_start_is_to_the_minute(variants: dict[str, Environment]) -> None:
    """EventBridge Scheduler refuses a window of no minutes."""
    assert schedule(variants["warm"])["FlexibleTimeWindow"] == {"Mode": "OFF"}


@scheduled
def test_the_target_is_the_environments_own_retrain(environment: Environment) -> None:
    target = schedule(environment)["Target"]
    assert target["Arn"].endswith(f":stateMachine:nunchi-{environment.name}-retrain")
    assert target["Input"] == "{}"
    assert target["RoleArn"] == roles(environment)["schedule of retrain"].arn


@scheduled
def test_a_start_that_fails_is_tried_again(environment: Environment) -> None:
    assert schedule(environment)["Target"]["RetryPolicy"] == {
        "MaximumRetryAttempts": settings(environment).max_retries,
        "MaximumEventAgeInSeconds": settings(environment).max_age_seconds,
    }


@scheduled
def test_a_start_that_never_succeeds_waits_in_the_queue_for_a_fortnight(environment: Environment) -> None:
    """Without it a retrain that did not start is noticed when the model is stale."""
    (queue,) = environment.templates["training"].of_type("AWS::SQS::Queue")
    dead_letters = schedule(environment)["Target"]["DeadLetterConfig"]["Arn"]
    assert dead_letters == environment.arn("training", queue)
    properties = environment.properties("training", "AWS::SQS::Queue")
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert properties["KmsMasterKeyId"] == environment.key_arn


@scheduled
def test_the_role_of_the_schedule_starts_the_retrain_and_fills_the_queue_and_no_more(
    environment: Environment,
) -> None:
    target = schedule(environment)["Target"]
    calls = [
        Call("states:StartExecution", target["Arn"]),
        Call("sqs:SendMessage", target["DeadLetterConfig"]["Arn"]),
        Call("kms:Decrypt", environment.key_arn),
        Call("kms:GenerateDataKey", environment.key_arn),
    ]
    allowed = [
        (action, resource)
        for statement in roles(environment)["schedule of retrain"].statements
        for action in statement.actions
        for resource in statement.resources
    ]
    assert allowed == [(call.action, call.resource) for call in calls]


@scheduled
def test_the_schedule_is_in_a_group_that_carries_the_tags(environment: Environment) -> None:
    """A schedule takes none itself."""
    group = environment.properties("training", "AWS::Scheduler::ScheduleGroup")
    assert schedule(environment)["GroupName"] == group["Name"] == environment.settings.name("retrain")


def test_a_batch_starts_when_its_settings_say(environments: dict[str, Environment]) -> None:
    prod = environments["prod"]
    found, batch = schedule(prod, "serving"), prod.settings.serving.batch
    assert batch
    assert batch.schedule
    assert found["ScheduleExpression"] == batch.schedule.expression
    assert found["Target"]["Arn"].endswith(":stateMachine:nunchi-prod-transform")
    assert found["Target"]["Input"] == '{"quiet": true}'
    assert found["Target"]["DeadLetterConfig"]["Arn"].endswith(":nunchi-prod-serving-dead-letters")


def test_no_batch_starts_by_itself_while_there_is_nothing_that_scores(
    environments: dict[str, Environment],
) -> None:
    """Its state machine is there with the first champion."""
    for name, kind in (("prod", "AWS::Scheduler::Schedule"), ("staging", "AWS::Events::Rule")):
        parts = [part for part, _, _ in environments[name].without_champion().of_type(kind)]
        assert "serving" not in parts, name
