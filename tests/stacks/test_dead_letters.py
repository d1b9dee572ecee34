from __future__ import annotations

import pytest

from tests.stacks.resolved import ACCOUNT, REGION, Environment, Json

QUEUES = [
    ("dev", "training", ["notify", "approval"]),
    ("staging", "training", ["notify", "approval"]),
    ("staging", "serving", ["arrival"]),
    ("prod", "serving", []),
]
every_queue = pytest.mark.parametrize(("name", "part", "rules"), QUEUES)


@pytest.fixture
def environment(environments: dict[str, Environment], name: str) -> Environment:
    return environments[name]


def _rules(environment: Environment, part: str) -> dict[str, Json]:
    return {
        properties["Name"].removeprefix(environment.settings.name("")): properties
        for place, _, properties in environment.of_type("AWS::Events::Rule")
        if place == part
    }


@every_queue
def test_what_a_rule_could_not_deliver_waits_in_the_queue_of_its_stack(
    environment: Environment, part: str, rules: list[str]
) -> None:
    """Without it, a retrain's end, or an approval, is lost without a trace."""
    (queue,) = environment.templates[part].of_type("AWS::SQS::Queue")
    found = _rules(environment, part)
    assert sorted(found) == sorted(rules)
    for rule in found.values():
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"]["Arn"] == environment.arn(part, queue)
        assert target["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}


@every_queue
def test_the_queue_takes_messages_of_the_rules_of_its_stack_alone(
    environment: Environment, part: str, rules: list[str]
) -> None:
    policy = environment.properties(part, "AWS::SQS::QueuePolicy")["PolicyDocument"]
    allowed = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    sources = [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{environment.settings.name(rule)}" for rule in rules]
    expected = [{"ArnEquals": {"aws:SourceArn": sources}}] if rules else []
    assert [one["Condition"] for one in allowed] == expected
    assert {(one["Principal"]["Service"], one["Action"]) for one in allowed} <= {
        ("events.amazonaws.com", "sqs:SendMessage")
    }


@every_queue
def test_dead_letters_are_encrypted_and_kept_for_a_fortnight(
    environment: Environment, part: str, rules: list[str]
) -> None:
    properties = environment.properties(part, "AWS::SQS::Queue")
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert properties["KmsMasterKeyId"] == environment.key_arn


def test_a_rule_may_use_the_key_that_encrypts_its_dead_letters(environments: dict[str, Environment]) -> None:
    """A queue with a key of our own refuses a service that the key's policy does not know."""
    policy = environments["dev"].properties("storage", "AWS::KMS::Key")["KeyPolicy"]
    (statement,) = (one for one in policy["Statement"] if "events.amazonaws.com" in str(one["Principal"]))
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
