"""Every statement of every policy of every environment, read from the templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stacks.policies import as_list, identity_statements, roles
from tests.stacks.resolved import ACCOUNT, Environment, Json

ENVIRONMENTS = ("dev", "staging", "prod")

NO_RESOURCE = "IAM knows no resource for it"
LOG_DELIVERY = "the delivery of vended logs has no resource that a policy could name"
ANY_RESOURCE = {
    "cloudwatch:PutMetricData": f"{NO_RESOURCE}; a condition names the namespace",
    "ec2:DescribeDhcpOptions": NO_RESOURCE,
    "ec2:DescribeNetworkInterfaces": NO_RESOURCE,
    "ec2:DescribeSecurityGroups": NO_RESOURCE,
    "ec2:DescribeSubnets": NO_RESOURCE,
    "ec2:DescribeVpcs": NO_RESOURCE,
    "ecr:GetAuthorizationToken": f"{NO_RESOURCE}: the token is the registry's",
    "logs:CreateLogDelivery": LOG_DELIVERY,
    "logs:DeleteLogDelivery": LOG_DELIVERY,
    "logs:DescribeLogGroups": "it lists the groups of an account",
    "logs:DescribeResourcePolicies": LOG_DELIVERY,
    "logs:GetLogDelivery": LOG_DELIVERY,
    "logs:ListLogDeliveries": LOG_DELIVERY,
    "logs:PutResourcePolicy": LOG_DELIVERY,
    "logs:UpdateLogDelivery": LOG_DELIVERY,
    "xray:GetSamplingRules": NO_RESOURCE,
    "xray:GetSamplingTargets": NO_RESOURCE,
    "xray:PutTelemetryRecords": NO_RESOURCE,
    "xray:PutTraceSegments": NO_RESOURCE,
}
"""The actions that may be allowed on any resource, each with the reason.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_POLICY = 6144

every_environment = pytest.mark.parametrize("name", ENVIRONMENTS)


@pytest.fixture
def environment(environments: dict[str, Environment], name: str) -> Environment:
    return environments[name]


@every_environment
def test_no_action_of_a_role_is_a_wildcard(environment: Environment) -> None:
    wild = [
        (role, action)
        for role, statement in identity_statements(environment)
        for action in statement.actions
        if "*" in action or "?" in action
    ]
    assert wild == []


@every_environment
def test_any_resource_is_allowed_only_where_iam_offers_nothing_finer(environment: Environment) -> None:
    allowed = {
        (role, action)
        for role, statement in identity_statements(environment)
        if "*" in statement.resources
        for action in statement.actions
    }
    assert {one for one in allowed if one[1] not in ANY_RESOURCE} == set()


def test_the_list_of_actions_on_any_resource_is_no_longer_than_it_must_be(
    environments: dict[str, Environment],
) -> None:
    """A line that nobody needs any more would let the next one through unseen."""
    used = {
        action
        for environment in environments.values()
        for _, statement in identity_statements(environment)
        if "*" in statement.resources
        for action in statement.actions
    }
    assert used == set(ANY_RESOURCE)


@every_environment
def test_metrics_are_written_to_named_namespaces_only(environment: Environment) -> None:
    for role, statement in identity_statements(environment):
        if "cloudwatch:PutMetricData" in statement.actions:
            (keys,) = statement.conditions.values()
            assert list(keys) == ["cloudwatch:namespace"], role


@every_environment
def test_only_the_roles_of_steps_are_passed_and_only_to_sagemaker(environment: Environment) -> None:
    """Whoever may pass a role may do what the role may."""
    steps = {roles(environment)[step].arn for step in ("prepare", "train", "optimise", "evaluate", "serve")}
    passed = [s for _, s in identity_statements(environment) if "iam:PassRole" in s.actions]
    assert {arn for statement in passed for arn in statement.resources} <= steps
    assert {json.dumps(statement.conditions) for statement in passed} == {
        '{"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}'
    }


@every_environment
def test_only_the_machines_that_start_jobs_pass_roles(environment: Environment) -> None:
    passing = {role for role, s in identity_statements(environment) if "iam:PassRole" in s.actions}
    assert passing == {"the retrain workflow", "the train workflow"}


@every_environment
def test_no_policy_is_inline(environment: Environment) -> None:
    """An inline policy is seen in no list of policies, and three of the rule packs refuse it."""
    assert [one for _, one, _ in environment.of_type("AWS::IAM::Policy")] == []
    assert [role.name for role in roles(environment).values() if "Policies" in role.properties] == []


@every_environment
def test_every_role_has_its_policy_from_its_creation_on(environment: Environment) -> None:
    """A policy that is attached after the role races the first job that runs as it."""
    for part, name, properties in environment.of_type("AWS::IAM::ManagedPolicy"):
        assert not properties.keys() & {"Roles", "Users", "Groups"}, (part, name)
    for role in roles(environment).values():
        assert len(role.properties["ManagedPolicyArns"]) == 1, role.name


@every_environment
def test_every_policy_is_as_short_as_iam_asks(environment: Environment) -> None:
    """IAM counts what stands there after CloudFormation has put the names in, but for whitespace."""
    for part, name, properties in environment.of_type("AWS::IAM::ManagedPolicy"):
        length = len(re.sub(r"\s", "", json.dumps(properties["PolicyDocument"])))
        assert length <= LONGEST_POLICY, (part, name)


@every_environment
def test_a_role_is_assumed_by_one_service_in_this_accounts_name(environment: Environment) -> None:
    """Without the account, the service could be made to act for another one's sake."""
    for role in roles(environment).values():
        (statement,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert list(statement["Principal"]) == ["Service"], role.name
        assert isinstance(statement["Principal"]["Service"], str), role.name
        assert statement["Action"] == "sts:AssumeRole", role.name
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, role.name


SERVICES = {
    "prepare": "sagemaker",
    "train": "sagemaker",
    "optimise": "sagemaker",
    "evaluate": "sagemaker",
    "serve": "sagemaker",
    "the retrain workflow": "states",
    "the train workflow": "states",
    "the notify workflow": "states",
    "notify": "events",
    "the promote workflow": "states",
    "the transform workflow": "states",
    "schedule of retrain": "scheduler",
    "schedule of transform": "scheduler",
    "approval": "events",
    "flow logs": "vpc-flow-logs",
}


def test_there_is_one_role_a_step_for_the_service_that_takes_it(environments: dict[str, Environment]) -> None:
    services = {
        role.name: role.properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
        for role in roles(environments["prod"]).values()
    }
    assert services == {name: f"{service}.amazonaws.com" for name, service in SERVICES.items()}


@every_environment
def test_only_the_promotion_writes_the_champion(environment: Environment) -> None:
    writers = {role for role, s in identity_statements(environment) if "ssm:PutParameter" in s.actions}
    assert writers == {"the promote workflow"}


@every_environment
def test_only_the_promotion_updates_a_stack_and_only_the_serving_one(environment: Environment) -> None:
    updates = [
        (role, s.resources)
        for role, s in identity_statements(environment)
        if "cloudformation:UpdateStack" in s.actions
    ]
    ((role, (stack,)),) = updates
    assert role == "the promote workflow"
    assert stack.endswith(f":stack/{environment.settings.name('serving')}/*")


def resource_policies(environment: Environment) -> Iterator[tuple[str, Json]]:
    """Every statement of the policies of buckets, topic, queue and key, with the resource's type."""
    for kind, document in (
        ("AWS::KMS::Key", "KeyPolicy"),
        ("AWS::S3::BucketPolicy", "PolicyDocument"),
        ("AWS::SNS::TopicPolicy", "PolicyDocument"),
        ("AWS::SQS::QueuePolicy", "PolicyDocument"),
    ):
        for _, _, properties in environment.of_type(kind):
            yield from ((kind, statement) for statement in properties[document]["Statement"])


def allowed_to_services(environment: Environment) -> Iterator[tuple[str, Json]]:
    for kind, statement in resource_policies(environment):
        if statement["Effect"] == "Allow" and "AWS" not in as_principal(statement):
            yield kind, statement


def as_principal(statement: Json) -> Json:
    principal: Any = statement["Principal"]
    return principal if isinstance(principal, dict) else {"AWS": principal}


@every_environment
def test_no_resource_policy_allows_anything_to_a_principal_but_the_accounts_own(
    environment: Environment,
) -> None:
    """Within the account the roles' own policies say who may; the key must name the account for that."""
    principals = {
        (kind, as_principal(statement)["AWS"])
        for kind, statement in resource_policies(environment)
        if statement["Effect"] == "Allow" and "AWS" in as_principal(statement)
    }
    assert principals == {("AWS::KMS::Key", f"arn:aws:iam::{ACCOUNT}:root")}


@every_environment
def test_a_service_may_act_on_a_resource_only_for_this_account(environment: Environment) -> None:
    """The confused deputy: another account's alarm must not speak through our topic."""
    for kind, statement in allowed_to_services(environment):
        values = [one for keys in statement["Condition"].values() for one in keys.items()]
        for key, value in values:
            accounts = [value] if key == "aws:SourceAccount" else [one.split(":")[4] for one in value]
            assert set(accounts) == {ACCOUNT}, (kind, statement["Sid"])


@every_environment
def test_the_key_is_for_the_logs_of_this_environment_only(environment: Environment) -> None:
    (key,) = (properties for _, _, properties in environment.of_type("AWS::KMS::Key"))
    (logs,) = (one for one in key["KeyPolicy"]["Statement"] if one["Sid"] == "LogGroups")
    groups = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert [one for one in groups if not re.search(rf"[-/]{environment.name}(-\*|/\*|$)", one)] == []


@every_environment
def test_every_resource_that_may_be_asked_without_tls_refuses(environment: Environment) -> None:
    refusals = [
        kind
        for kind, statement in resource_policies(environment)
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and as_principal(statement)["AWS"] == "*"
    ]
    queues = len(list(environment.of_type("AWS::SQS::Queue")))
    assert refusals == [
        *["AWS::S3::BucketPolicy"] * 3,
        "AWS::SNS::TopicPolicy",
        *["AWS::SQS::QueuePolicy"] * queues,
    ]


def test_an_endpoint_of_the_network_lets_this_accounts_principals_through_alone(
    environments: dict[str, Environment],
) -> None:
    """Credentials that were brought into the network could carry data out to their own account."""
    for _, name, endpoint in environments["prod"].of_type("AWS::EC2::VPCEndpoint"):
        for statement in endpoint["PolicyDocument"]["Statement"]:
            if statement["Sid"] == "LayersOfImages":
                assert (name, as_list(statement["Action"])) == ("S3", ["s3:GetObject"])
                assert statement["Resource"].endswith("-starport-layer-bucket/*")
            else:
                assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, name
