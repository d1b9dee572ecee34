"""The key of an environment, and the services that use it in their own name."""

from __future__ import annotations

from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.environment_stack import arn
from stacks.pseudo_parameters import ACCOUNT_ID, PARTITION, REGION
from stacks.settings import Settings


def make_key(scope: Construct, settings: Settings) -> kms.CfnKey:
    """The customer-managed key, renewed every year; it outlives its stack, as what it encrypts does."""
    key = kms.CfnKey(
        scope,
        "Key",
        description=f"Nunchi {settings.environment}: data, models, logs, volumes, messages",
        enable_key_rotation=True,
        pending_window_in_days=30,
        key_policy={"Version": "2012-10-17", "Statement": _statements(settings.environment)},
    )
    key.apply_removal_policy(RemovalPolicy.RETAIN)
    kms.CfnAlias(scope, "KeyAlias", alias_name=f"alias/nunchi-{settings.environment}", target_key_id=key.ref)
    return key


def _statements(environment: str) -> list[dict[str, Any]]:
    """Account and roles by their policies, as everywhere; and the services that act on their own."""
    own = {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}
    return [
        {
            "Sid": "RolesByTheirOwnPolicies",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{PARTITION}:iam::{ACCOUNT_ID}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        {
            "Sid": "LogGroups",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
            "Action": [
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ],
            "Resource": "*",
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": [
                        arn("logs", f"log-group:{name}")
                        for name in (
                            f"/nunchi/{environment}/*",
                            f"/aws/sagemaker/Endpoints/nunchi-{environment}",
                            f"/aws/sagemaker/Endpoints/nunchi-{environment}-*",
                            f"/aws/vendedlogs/states/nunchi-{environment}-*",
                        )
                    ]
                }
            },
        },
        # Alarms and the budget publish to the encrypted topic, rules send to the encrypted queues:
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        {
            "Sid": "Publishers",
            "Effect": "Allow",
            "Principal": {
                "Service": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"]
            },
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": own,
        },
    ]
