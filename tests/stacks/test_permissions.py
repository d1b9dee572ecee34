"""Every statement of every policy, read from the templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk.assertions import Template

# Actions for which IAM knows no resource.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(templates: dict[str, Template]) -> Iterator[tuple[str, dict[str, Any]]]:
    for template in templates.values():
        for name, role in template.find_resources("AWS::IAM::Role").items():
            for policy in role["Properties"].get("Policies", []):
                yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])
        for name, policy in template.find_resources("AWS::IAM::Policy").items():
            yield from (
                (name, statement) for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            )


def test_no_action_is_a_wildcard(templates: dict[str, Template]) -> None:
    for name, statement in statements(templates):
        assert not [action for action in as_list(statement["Action"]) if "*" in action], name


def test_any_resource_is_allowed_only_where_iam_knows_none(templates: dict[str, Template]) -> None:
    for name, statement in statements(templates):
        if "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= WITHOUT_RESOURCE, name


def test_roles_are_passed_to_sagemaker_alone(templates: dict[str, Template]) -> None:
    passed = [s for _, s in statements(templates) if "iam:PassRole" in as_list(s["Action"])]
    assert passed
    for statement in passed:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@pytest.mark.parametrize("step", ["Prepare", "Train", "Evaluate", "Serve"])
def test_a_jobs_policy_stands_inside_its_role(templates: dict[str, Template], step: str) -> None:
    """A policy beside the role is attached after it: a job or model made in between is refused."""
    roles = templates["training"].find_resources("AWS::IAM::Role")
    (role,) = (role for name, role in roles.items() if name.startswith(f"JobRoles{step}"))
    assert role["Properties"]["Policies"]


def test_only_the_promotion_writes_the_champion(templates: dict[str, Template]) -> None:
    writers = [name for name, s in statements(templates) if "ssm:PutParameter" in as_list(s["Action"])]
    assert [name.startswith("PromoteWorkflow") for name in writers] == [True]


def test_only_the_promotion_updates_a_stack_and_only_the_serving_one(templates: dict[str, Template]) -> None:
    found = [(n, s) for n, s in statements(templates) if "cloudformation:UpdateStack" in as_list(s["Action"])]
    ((name, statement),) = found
    assert name.startswith("PromoteWorkflow")
    assert "stack/nunchi-dev-serving/*" in str(statement["Resource"])
