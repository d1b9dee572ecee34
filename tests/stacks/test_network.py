from __future__ import annotations

import ipaddress

import pytest

from tests.stacks.evaluated import request
from tests.stacks.resolved import REGION, Environment, Json

SERVICES = {
    "ecr.api": "the image's address",
    "ecr.dkr": "the image",
    "kms": "what the key encrypts",
    "logs": "the container's output",
    "monitoring": "the container's metrics",
    "sagemaker.api": "jobs and endpoints",
    "sagemaker.runtime": "a caller beside the endpoint",
    "sts": "the role's credentials",
}
"""The services that are reached from the network by an interface, each with what for."""


@pytest.fixture(scope="session")
def prod(environments: dict[str, Environment]) -> Environment:
    return environments["prod"]


def all_of(environment: Environment, kind: str) -> dict[str, Json]:
    return {name: properties for _, name, properties in environment.of_type(kind)}


def endpoints(environment: Environment, kind: str) -> dict[str, Json]:
    return {
        endpoint["ServiceName"].removeprefix(f"com.amazonaws.{REGION}."): endpoint
        for endpoint in all_of(environment, "AWS::EC2::VPCEndpoint").values()
        if endpoint["VpcEndpointType"] == kind
    }


def subnet_ids(environment: Environment) -> list[str]:
    return [environment.physical_name("network", f"Subnet{number}") for number in (1, 2)]


def test_prod_has_a_network_of_its_own_and_the_others_have_none(
    environments: dict[str, Environment],
) -> None:
    having = [name for name, environment in environments.items() if "network" in environment.templates]
    assert having == ["prod"]


def test_the_network_has_no_way_to_the_internet(prod: Environment) -> None:
    """Of what it is made of, nothing leads out: no gateway, no NAT, no peering, no public address."""
    kinds = {resource["Type"] for resource in prod.templates["network"].resources.values()}
    assert {kind for kind in kinds if kind.startswith("AWS::EC2::")} == {
        "AWS::EC2::FlowLog",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
    }


def test_nothing_in_the_network_gets_a_public_address(prod: Environment) -> None:
    subnets = all_of(prod, "AWS::EC2::Subnet").values()
    assert [subnet["MapPublicIpOnLaunch"] for subnet in subnets] == [False, False]


def test_the_subnets_lie_in_different_zones(prod: Environment) -> None:
    """An endpoint with both instances in one zone goes down with it."""
    zones = [subnet["AvailabilityZone"] for subnet in all_of(prod, "AWS::EC2::Subnet").values()]
    assert zones == [f"{REGION}a", f"{REGION}b"]


def test_the_subnets_are_parts_of_the_network_that_do_not_overlap(prod: Environment) -> None:
    vpc = ipaddress.ip_network(prod.properties("network", "AWS::EC2::VPC")["CidrBlock"])
    blocks = [
        ipaddress.ip_network(subnet["CidrBlock"]) for subnet in all_of(prod, "AWS::EC2::Subnet").values()
    ]
    assert all(isinstance(block, ipaddress.IPv4Network) for block in (vpc, *blocks))
    assert not blocks[0].overlaps(blocks[1])
    assert [block for block in blocks if not block.subnet_of(vpc)] == []  # type: ignore[arg-type]


def test_every_subnet_has_the_routes_to_s3(prod: Environment) -> None:
    """A job in the other one would hang on its first object."""
    (table,) = endpoints(prod, "Gateway")["s3"]["RouteTableIds"]
    routes = [
        (one["SubnetId"], one["RouteTableId"])
        for one in all_of(prod, "AWS::EC2::SubnetRouteTableAssociation").values()
    ]
    assert routes == [(subnet, table) for subnet in subnet_ids(prod)]


def test_only_the_services_that_are_needed_are_reached(prod: Environment) -> None:
    """One that is missing hangs a job for an hour; one too many is a way out, and costs by the hour."""
    assert set(endpoints(prod, "Interface")) == set(SERVICES)
    assert set(endpoints(prod, "Gateway")) == {"s3"}


def test_every_service_is_reached_under_its_own_name_from_every_subnet(prod: Environment) -> None:
    """Otherwise clients would ask the public address, and wait."""
    for service, endpoint in endpoints(prod, "Interface").items():
        assert endpoint["PrivateDnsEnabled"] is True, service
        assert endpoint["SubnetIds"] == subnet_ids(prod), service


def test_names_are_resolved_in_the_network(prod: Environment) -> None:
    vpc = prod.properties("network", "AWS::EC2::VPC")
    assert (vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]) == (True, True)


def groups(environment: Environment) -> dict[str, Json]:
    return all_of(environment, "AWS::EC2::SecurityGroup")


def test_the_services_are_asked_over_tls_from_the_network_only(prod: Environment) -> None:
    (rule,) = groups(prod)["Services"]["SecurityGroupIngress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert rule["CidrIp"] == prod.properties("network", "AWS::EC2::VPC")["CidrBlock"]
    (group,) = {
        one for endpoint in endpoints(prod, "Interface").values() for one in endpoint["SecurityGroupIds"]
    }
    assert group == prod.physical_name("network", "Services")


def test_nothing_reaches_the_containers(prod: Environment) -> None:
    assert "SecurityGroupIngress" not in groups(prod)["Containers"]


def test_the_containers_speak_tls_only(prod: Environment) -> None:
    (rule,) = groups(prod)["Containers"]["SecurityGroupEgress"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId"),
        ("AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId"),
    ],
)
def test_instances_that_train_together_reach_each_other_by_ipsec(
    variants: dict[str, Environment], kind: str, other: str
) -> None:
    """The rules that SageMaker's guide has for traffic that is encrypted between containers."""
    together = variants["together"]
    asks = request(together, "train", "Train")
    assert asks["EnableInterContainerTrafficEncryption"] is True
    (group,) = asks["VpcConfig"]["SecurityGroupIds"]
    rules = all_of(together, kind).values()
    assert {(rule["GroupId"], rule[other]) for rule in rules} == {(group, group)}
    assert {(rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")) for rule in rules} == {
        ("udp", 500, 500),
        ("50", None, None),
    }


def test_the_interfaces_of_services_open_no_connection(prod: Environment) -> None:
    """Without a rule EC2 lets a group's members go anywhere."""
    (rule,) = groups(prod)["Services"]["SecurityGroupEgress"]
    assert rule["CidrIp"] == "255.255.255.255/32"
