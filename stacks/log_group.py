"""A log group as all of ours are made: encrypted, kept as long as the settings say, gone with its stack."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.settings import Settings
from stacks.storage import Storage


def make_log_group(
    scope: Construct, construct_id: str, *, name: str, settings: Settings, storage: Storage
) -> logs.CfnLogGroup:
    """The log group `name`, encrypted with `storage`'s key."""
    group = logs.CfnLogGroup(
        scope,
        construct_id,
        log_group_name=name,
        kms_key_id=storage.key_arn,
        retention_in_days=settings.logs.retention_days,
    )
    group.apply_removal_policy(RemovalPolicy.DESTROY)
    return group
