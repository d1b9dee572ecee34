"""The network stack: a VPC without a way to the internet, and the AWS services that are reached from it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.acknowledgements import acknowledge, in_every_pack
from stacks.environment_stack import EnvironmentStack, arn
from stacks.flow_logs import log_flows
from stacks.permissions import Permission
from stacks.pseudo_parameters import ACCOUNT_ID, PARTITION, REGION
from stacks.settings import NetworkSettings, Settings
from stacks.storage import StorageStack

_SERVICES = ("ecr.api", "ecr.dkr", "kms", "logs", "monitoring", "sagemaker.api", "sagemaker.runtime", "sts")
"""What a container, or a caller beside the endpoint, speaks to; S3 has a gateway."""


@dataclass(frozen=True)
class Network:
    """The network stack's exports, as the other stacks of the environment import them."""

    subnets: list[str]
    security_group: str
    """Of jobs and endpoints."""
    vpc: str

    def vpc_config(self) -> dict[str, list[str]]:
        """The `VpcConfig` of a SageMaker request."""
        return {"SecurityGroupIds": [self.security_group], "Subnets": self.subnets}

    def permissions(self) -> list[Permission]:
        """What a SageMaker execution role needs to place its containers here.

        https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
        """
        inside = {"ArnEquals": {"ec2:Vpc": arn("ec2", f"vpc/{self.vpc}")}}
        interfaces = arn("ec2", "network-interface/*")
        return [
            Permission(
                ["ec2:CreateNetworkInterface"],
                [
                    interfaces,
                    arn("ec2", f"security-group/{self.security_group}"),
                    *(arn("ec2", f"subnet/{subnet}") for subnet in self.subnets),
                ],
                because="A network interface gets its id when it is made; the subnets are named",
            ),
            Permission(
                [
                    "ec2:CreateNetworkInterfacePermission",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DeleteNetworkInterfacePermission",
                ],
                [interfaces],
                because="A network interface gets its id when it is made; the VPC is named",
                conditions=inside,
            ),
            Permission(
                [
                    "ec2:DescribeDhcpOptions",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                ],
                ["*"],
                because="EC2's Describe actions have no resources",
            ),
        ]


class NetworkStack(EnvironmentStack):
    """Where jobs and real-time endpoints run."""

    def __init__(
        self, scope: Construct, settings: Settings, network: NetworkSettings, *, storage: StorageStack
    ) -> None:
        """Build the VPC that `network` describes; its logs are encrypted with `storage`'s key."""
        super().__init__(
            scope, settings, "network", holds="VPC without a way to the internet", after=[storage]
        )
        self._vpc = ec2.CfnVPC(
            self, "Vpc", cidr_block=network.cidr, enable_dns_hostnames=True, enable_dns_support=True
        )
        acknowledge(
            self._vpc,
            in_every_pack(
                "VPCDefaultSecurityGroupClosed",
                "Closing it takes a Lambda function at deployment; nothing is put into it: each interface"
                " names a security group of ours",
            ),
        )
        routes = ec2.CfnRouteTable(self, "Routes", vpc_id=self._vpc.ref)
        subnets = self._subnets(network, routes)
        containers = self._endpoints(network, subnets, routes)
        if settings.training.instance_count > 1:
            self._among_themselves(containers)
        log_flows(self, settings, storage.exports, vpc_id=self._vpc.ref)
        self.exports = Network(
            subnets=[self.export(f"Subnet{i}Id", subnet.ref) for i, subnet in enumerate(subnets, 1)],
            security_group=self.export("SecurityGroupId", containers.attr_group_id),
            vpc=self.export("VpcId", self._vpc.ref),
        )

    def _subnets(self, network: NetworkSettings, routes: ec2.CfnRouteTable) -> list[ec2.CfnSubnet]:
        subnets = []
        block = ipaddress.ip_network(network.cidr)
        # A quarter each: room for a third zone later, without moving the others.
        for number, part in zip(
            range(network.availability_zones), block.subnets(prefixlen_diff=2), strict=False
        ):
            subnet = ec2.CfnSubnet(
                self,
                f"Subnet{number + 1}",
                vpc_id=self._vpc.ref,
                cidr_block=str(part),
                availability_zone=Fn.select(number, Fn.get_azs()),
                map_public_ip_on_launch=False,
            )
            ec2.CfnSubnetRouteTableAssociation(
                self, f"Subnet{number + 1}Routes", subnet_id=subnet.ref, route_table_id=routes.ref
            )
            subnets.append(subnet)
        return subnets

    def _endpoints(
        self, network: NetworkSettings, subnets: list[ec2.CfnSubnet], routes: ec2.CfnRouteTable
    ) -> ec2.CfnSecurityGroup:
        https = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
        containers = ec2.CfnSecurityGroup(
            self,
            "Containers",
            group_description="SageMaker jobs and endpoints",
            vpc_id=self._vpc.ref,
            # S3's addresses lie outside the VPC and its gateway is the only way out of it.
            security_group_egress=[{**https, "cidrIp": "0.0.0.0/0", "description": "AWS services"}],
        )
        services = ec2.CfnSecurityGroup(
            self,
            "Services",
            group_description="Interface endpoints of AWS services",
            vpc_id=self._vpc.ref,
            security_group_ingress=[{**https, "cidrIp": network.cidr, "description": "The VPC"}],
            # Answers need no rule, and without one EC2 would allow everything.
            security_group_egress=[
                {
                    "ipProtocol": "icmp",
                    "fromPort": 252,
                    "toPort": 86,
                    "cidrIp": "255.255.255.255/32",
                    "description": "Nothing",
                }
            ],
        )
        for service in _SERVICES:
            ec2.CfnVPCEndpoint(
                self,
                service.title().replace(".", ""),
                service_name=f"com.amazonaws.{REGION}.{service}",
                vpc_id=self._vpc.ref,
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[subnet.ref for subnet in subnets],
                security_group_ids=[services.attr_group_id],
                policy_document=_of_this_account(),
            )
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            service_name=f"com.amazonaws.{REGION}.s3",
            vpc_id=self._vpc.ref,
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.ref],
            policy_document=_of_this_account(
                {
                    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
                    "Sid": "LayersOfImages",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:{PARTITION}:s3:::prod-{REGION}-starport-layer-bucket/*",
                }
            ),
        )
        return containers

    def _among_themselves(self, containers: ec2.CfnSecurityGroup) -> None:
        """Instances that train together exchange gradients, which are encrypted (IPsec) on their way.

        https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html
        """
        group = containers.attr_group_id
        for name, protocol, port in (("KeyExchange", "udp", 500), ("Esp", "50", None)):
            both: dict[str, Any] = {"ip_protocol": protocol, "from_port": port, "to_port": port}
            both |= {"group_id": group, "description": "Each other"}
            ec2.CfnSecurityGroupIngress(self, f"{name}In", **both, source_security_group_id=group)
            ec2.CfnSecurityGroupEgress(self, f"{name}Out", **both, destination_security_group_id=group)


def _of_this_account(*more: dict[str, Any]) -> dict[str, Any]:
    """A policy that lets this account's principals through, and no credentials brought from elsewhere."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OwnPrincipals",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT_ID}},
            },
            *more,
        ],
    }
