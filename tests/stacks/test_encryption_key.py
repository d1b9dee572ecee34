from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from tests.stacks.resolved import ACCOUNT, REGION, Environment, Json

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


@pytest.fixture
def environment(environments: dict[str, Environment], name: str) -> Environment:
    return environments[name]


def statements(environment: Environment) -> dict[str, Json]:
    policy = environment.properties("storage", "AWS::KMS::Key")["KeyPolicy"]
    return {statement["Sid"]: statement for statement in policy["Statement"]}


@every_environment
def test_the_key_is_renewed_every_year(environment: Environment) -> None:
    assert environment.properties("storage", "AWS::KMS::Key")["EnableKeyRotation"] is True


@every_environment
def test_a_key_that_is_deleted_by_mistake_can_be_brought_back_for_a_month(environment: Environment) -> None:
    """With the key go all models and reviews."""
    assert environment.properties("storage", "AWS::KMS::Key")["PendingWindowInDays"] == 30


@every_environment
def test_every_log_group_of_the_environment_can_be_encrypted_with_the_key(environment: Environment) -> None:
    """CloudWatch Logs refuses to make a group whose name the key's policy does not have."""
    statement = statements(environment)["LogGroups"]
    assert statement["Principal"] == {"Service": f"logs.{REGION}.amazonaws.com"}
    patterns = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    groups = {environment.arn(part, name) for part, name, _ in environment.of_type("AWS::Logs::LogGroup")}
    assert len(groups) >= 3
    assert [one for one in groups if not any(fnmatchcase(one, pattern) for pattern in patterns)] == []


@every_environment
def test_no_service_uses_the_key_for_another_account(environment: Environment) -> None:
    services = [one for one in statements(environment).values() if "Service" in one["Principal"]]
    assert services
    assert [one["Sid"] for one in services if ACCOUNT not in str(one["Condition"])] == []
