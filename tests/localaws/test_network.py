from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import INFERENCE_IMAGE, ROLE
from tests.localaws.test_endpoints import echo_archive, put_model
from tests.localaws.test_processing import code as code
from tests.localaws.test_processing import request as processing_request
from tests.localaws.test_training import request as training_request
from tests.localaws.test_training import source as source


@pytest.fixture(scope="module")
def network(aws: LocalAws) -> dict[str, list[str]]:
    """A VpcConfig of a subnet and a security group that there are."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="jobs", Description="jobs", VpcId=vpc)["GroupId"]
    return {"Subnets": [subnet], "SecurityGroupIds": [group]}


@pytest.fixture
def create(aws: LocalAws, bucket: str, source: str, code: str, name: str, kind: str) -> Any:
    """A function that creates a `kind` in a network."""
    client = aws.client("sagemaker")

    def create(config: dict[str, list[str]]) -> None:
        if kind == "model":
            url = put_model(aws, bucket, name, echo_archive("하나"))
            container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": url}
            client.create_model(
                ModelName=name,
                PrimaryContainer=container,
                ExecutionRoleArn=ROLE,
                VpcConfig=config,
                EnableNetworkIsolation=True,
            )
        elif kind == "training":
            client.create_training_job(
                **training_request(
                    name,
                    bucket,
                    source,
                    VpcConfig=config,
                    EnableNetworkIsolation=True,
                    EnableInterContainerTrafficEncryption=True,
                )
            )
        else:
            client.create_processing_job(
                **processing_request(
                    name, bucket, code, NetworkConfig={"VpcConfig": config, "EnableNetworkIsolation": True}
                )
            )

    return create


KINDS = pytest.mark.parametrize("kind", ["model", "training", "processing"])


@KINDS
def test_network_that_there_is_is_taken(network: dict[str, list[str]], create: Any) -> None:
    create(network)


@KINDS
def test_subnet_that_there_is_not_is_named(network: dict[str, list[str]], create: Any) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*subnet ID 'subnet-1' does not exist"):
        create({**network, "Subnets": ["subnet-1"]})


@KINDS
def test_security_group_that_there_is_not_is_named(network: dict[str, list[str]], create: Any) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*security group 'sg-1' does not exist"):
        create({**network, "SecurityGroupIds": ["sg-1"]})
