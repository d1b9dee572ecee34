"""What a role may do, with the reason for each wildcard beside it.

cdk-nag reports every wildcard by the ARN that holds it; `make_role` answers each report with the
reason, so a wildcard without one stops the synthesis.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Literal

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.acknowledgements import acknowledge
from stacks.environment_stack import arn
from stacks.pseudo_parameters import ACCOUNT_ID

Conditions = Mapping[str, Mapping[str, str | list[str]]]


@dataclass(frozen=True)
class Permission:
    """Actions on resources."""

    actions: list[str]
    resources: list[str]
    because: str = ""
    """Why the wildcards in `resources` are as narrow as they get."""
    conditions: Conditions = field(default_factory=dict)

    def statement(self) -> dict[str, Any]:
        """The policy statement that allows it."""
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.resources,
        }
        return statement | ({"Condition": self.conditions} if self.conditions else {})


def make_role(
    scope: Construct,
    construct_id: str,
    *,
    service: str,
    description: str,
    permissions: Sequence[Permission],
) -> iam.CfnRole:
    """A role that the AWS service `service` (as in `sagemaker`) assumes in this account's name.

    Its permissions are a managed policy of its own, which is there before the role is: one that is
    attached after the role would race the first job that runs as it.
    """
    policy = iam.CfnManagedPolicy(
        scope,
        f"{construct_id}Policy",
        description=description,
        policy_document={
            "Version": "2012-10-17",
            "Statement": [permission.statement() for permission in permissions],
        },
    )
    reasons: dict[str, list[str]] = {}
    for permission in permissions:
        for resource in permission.resources:
            if permission.because and "*" in resource:
                reasons.setdefault(resource, []).append(permission.because)
    wildcards = map(_flat, Stack.of(scope).resolve(list(reasons)))
    findings = [f"AwsSolutions-IAM5[Resource::{wildcard}]" for wildcard in wildcards]
    # A call keeps one reason of a finding.
    for each in zip_longest(*reasons.values()):
        acknowledge(policy, {finding: why for finding, why in zip(findings, each, strict=True) if why})
    return iam.CfnRole(
        scope,
        construct_id,
        description=description,
        managed_policy_arns=[policy.ref],
        assume_role_policy_document={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
                    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
                }
            ],
        },
    )


def tls_only(action: str, resource: str | list[str]) -> dict[str, Any]:
    """The statement of a resource's policy that denies everybody `action` over a connection in the clear."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def job_permissions(
    kind: Literal["Processing", "Training", "Transform"], name: str, role_arn: str | None = None
) -> list[Permission]:
    """What `sagemaker:create{kind}Job.sync` needs for jobs named `name-…` that run as `role_arn`.

    A transform job has no role: it runs as its model does.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
    """
    jobs = Permission(
        [
            f"sagemaker:Create{kind}Job",
            f"sagemaker:Describe{kind}Job",
            f"sagemaker:Stop{kind}Job",
            # Of the job's own tags, and of those that Step Functions gives the jobs that it watches.
            "sagemaker:AddTags",
            "sagemaker:ListTags",
        ],
        [arn("sagemaker", f"{kind.lower()}-job/{name}-*")],
        because="Each execution gives its job its own name",
    )
    rule = _managed_rule(f"StepFunctionsGetEventsForSageMaker{kind}JobsRule")
    if role_arn is None:
        return [jobs, rule]
    passed = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    return [jobs, Permission(["iam:PassRole"], [role_arn], conditions=passed), rule]


def execution_permissions(*state_machines: str) -> list[Permission]:
    """What `states:startExecution.sync:2` of the state machines of these names needs.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    """
    return [
        Permission(
            ["states:StartExecution"], [arn("states", f"stateMachine:{name}") for name in state_machines]
        ),
        Permission(
            ["states:DescribeExecution", "states:StopExecution"],
            [arn("states", f"execution:{name}:*") for name in state_machines],
            because="Each execution has its own name",
        ),
        _managed_rule("StepFunctionsGetEventsForStepFunctionsExecutionRule"),
    ]


def _managed_rule(name: str) -> Permission:
    return Permission(
        ["events:DescribeRule", "events:PutRule", "events:PutTargets"], [arn("events", f"rule/{name}")]
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
