"""What a role may do, with the reason for each wildcard beside it.

cdk-nag reports every wildcard by the ARN that holds it; `acknowledge` answers each report with the
reason, so a wildcard without one stops the synthesis.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from aws_cdk import Acknowledgment, ArnFormat, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


@dataclass(frozen=True)
class Permission:
    """Actions on resources."""

    actions: list[str]
    resources: list[str]
    because: str = ""
    """Why the wildcards in `resources` are as narrow as they get."""
    conditions: dict[str, dict[str, str]] = field(default_factory=dict)

    def statement(self) -> iam.PolicyStatement:
        """The policy statement that allows it."""
        return iam.PolicyStatement(
            actions=self.actions, resources=self.resources, conditions=self.conditions or None
        )


def job_permissions(
    scope: Construct, kind: Literal["Processing", "Training"], name: str, role: iam.IRole
) -> list[Permission]:
    """What `sagemaker:create{kind}Job.sync` needs for jobs named `name-…` that run as `role`.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
    """
    stack = Stack.of(scope)
    return [
        Permission(
            [
                f"sagemaker:Create{kind}Job",
                f"sagemaker:Describe{kind}Job",
                f"sagemaker:Stop{kind}Job",
                # Step Functions tags the jobs that it watches.
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            [
                stack.format_arn(
                    service="sagemaker", resource=f"{kind.lower()}-job", resource_name=f"{name}-*"
                )
            ],
            because="Each execution gives its job its own name",
        ),
        Permission(
            ["iam:PassRole"],
            [role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        _managed_rule(stack, f"StepFunctionsGetEventsForSageMaker{kind}JobsRule"),
    ]


def execution_permissions(scope: Construct, state_machine: sfn.StateMachine) -> list[Permission]:
    """What `states:startExecution.sync:2` of `state_machine` needs.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    """
    stack = Stack.of(scope)
    executions = stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{state_machine.state_machine_name}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    return [
        Permission(["states:StartExecution"], [state_machine.state_machine_arn]),
        Permission(
            ["states:DescribeExecution", "states:StopExecution"],
            [executions],
            because="Each execution has its own name",
        ),
        _managed_rule(stack, "StepFunctionsGetEventsForStepFunctionsExecutionRule"),
    ]


def _managed_rule(stack: Stack, name: str) -> Permission:
    return Permission(
        ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
        [stack.format_arn(service="events", resource="rule", resource_name=name)],
    )


def acknowledge(construct: Construct, permissions: Iterable[Permission]) -> None:
    """Acknowledge the wildcards in `permissions`, which the policies below `construct` hold."""
    stack = Stack.of(construct)
    for permission in permissions:
        for resource in permission.resources:
            if "*" in resource and permission.because:
                finding = _flat(stack.resolve(resource))
                Validations.of(construct).acknowledge(
                    Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{finding}]", reason=permission.because)
                )


def _flat(value: Any) -> str:
    # As cdk-nag writes an ARN in a finding: src/utils/flatten-cfn-reference.ts in its repository.
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(map(_flat, parts))
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if "Fn::ImportValue" in value:
        return _flat(value["Fn::ImportValue"])
    return json.dumps(value, separators=(",", ":"))
