"""Who talked to whom in the VPC."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.environment_stack import arn
from stacks.log_group import make_log_group
from stacks.permissions import Permission, make_role
from stacks.settings import Settings
from stacks.storage import Storage


def log_flows(scope: Construct, settings: Settings, storage: Storage, *, vpc_id: str) -> None:
    """Log all traffic of the VPC to `/nunchi/<environment>/network`, encrypted with `storage`'s key."""
    name = f"/nunchi/{settings.environment}/network"
    group = make_log_group(scope, "FlowLogs", name=name, settings=settings, storage=storage)
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    role = make_role(
        scope,
        "FlowLogsRole",
        service="vpc-flow-logs",
        description=f"Nunchi {settings.environment}: flow logs",
        permissions=[
            Permission(
                ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                [arn("logs", f"log-group:{name}:*")],
                because="A log stream is named after its network interface",
            ),
            Permission(["logs:DescribeLogGroups"], ["*"], because="The action lists groups by their prefix"),
        ],
    )
    flow_log = ec2.CfnFlowLog(
        scope,
        "FlowLog",
        resource_id=vpc_id,
        resource_type="VPC",
        traffic_type="ALL",
        log_group_name=name,
        deliver_logs_permission_arn=role.attr_arn,
        max_aggregation_interval=600,
    )
    flow_log.add_resource_dependency(group)
