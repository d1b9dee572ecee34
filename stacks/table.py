"""A table of DynamoDB for what the workflows must remember between executions."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.acknowledgements import acknowledge, skip_scan


def make_table(
    scope: Construct, *, name: str, key: str, holds: str, without_backup: str
) -> dynamodb.CfnTable:
    """A table named `name` whose items have the string `key`.

    Args:
        scope: of what the table is part.
        name: physical name.
        key: name of the partition key.
        holds: what its items are, for the reviewers of its encryption.
        without_backup: why it is in no backup plan.
    """
    table = dynamodb.CfnTable(
        scope,
        "Table",
        table_name=name,
        billing_mode="PAY_PER_REQUEST",
        key_schema=[{"attributeName": key, "keyType": "HASH"}],
        attribute_definitions=[{"attributeName": key, "attributeType": "S"}],
        point_in_time_recovery_specification={"pointInTimeRecoveryEnabled": True},
    )
    table.apply_removal_policy(RemovalPolicy.DESTROY)
    skip_scan(table, f"It holds {holds}, encrypted with AWS's key", "CKV_AWS_119")
    acknowledge(
        table,
        {f"{pack}-DynamoDBInBackupPlan": without_backup for pack in ("NIST.800.53.R5", "HIPAA.Security")},
    )
    return table
