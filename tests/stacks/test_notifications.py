from __future__ import annotations

import pytest

from tests.stacks.resolved import Environment

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


@every_environment
def test_the_topic_is_encrypted_with_the_environments_key(
    environments: dict[str, Environment], name: str
) -> None:
    topic = environments[name].properties("training", "AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"] == environments[name].key_arn


@every_environment
@pytest.mark.parametrize("service", ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"])
def test_alarms_and_the_budget_may_publish_and_use_the_key(
    environments: dict[str, Environment], name: str, service: str
) -> None:
    """To an encrypted topic without the key an alarm publishes nothing, and nobody sees that it did not."""
    environment = environments[name]
    policies = [
        *environment.properties("training", "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"],
        *environment.properties("storage", "AWS::KMS::Key")["KeyPolicy"]["Statement"],
    ]
    allowed: set[str] = set()
    for statement in policies:
        services = statement["Principal"].get("Service", []) if statement["Effect"] == "Allow" else []
        if service in services:
            actions = statement["Action"]
            allowed |= {actions} if isinstance(actions, str) else set(actions)
    assert allowed == {"sns:Publish", "kms:Decrypt", "kms:GenerateDataKey*"}


def test_every_address_of_the_settings_is_told(variants: dict[str, Environment]) -> None:
    hub = variants["hub"]
    (topic,) = hub.templates["training"].of_type("AWS::SNS::Topic")
    subscriptions = [
        (one["Protocol"], one["Endpoint"], one["TopicArn"])
        for _, _, one in hub.of_type("AWS::SNS::Subscription")
    ]
    arn = hub.arn("training", topic)
    assert subscriptions == [("email", "one@example.com", arn), ("email", "two@example.com", arn)]
