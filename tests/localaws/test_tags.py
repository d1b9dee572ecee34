from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import INFERENCE_IMAGE, REGION, ROLE
from tests.localaws.test_endpoints import configure, echo_archive, put_model
from tests.localaws.test_processing import code as code
from tests.localaws.test_processing import request as processing_request
from tests.localaws.test_training import request as training_request
from tests.localaws.test_training import source as source

TAGS = [{"Key": "Project", "Value": "눈치"}, {"Key": "cost:centre", "Value": "7"}]


def tags(aws: LocalAws, arn: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    return found


@pytest.fixture
def group(aws: LocalAws, name: str) -> str:
    """The ARN of a group of model packages that has TAGS."""
    arn: str = aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name, Tags=TAGS)[
        "ModelPackageGroupArn"
    ]
    return arn


def test_tags_are_added_changed_and_removed(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    assert tags(aws, group) == TAGS
    added = client.add_tags(ResourceArn=group, Tags=[{"Key": "cost:centre", "Value": "8"}])["Tags"]
    assert added == [TAGS[0], {"Key": "cost:centre", "Value": "8"}] == tags(aws, group)
    client.delete_tags(ResourceArn=group, TagKeys=["Project", "nothing"])
    assert tags(aws, group) == [{"Key": "cost:centre", "Value": "8"}]


def test_more_than_fifty_tags_are_refused(aws: LocalAws, group: str) -> None:
    many = [{"Key": f"key{index}", "Value": ""} for index in range(49)]
    with pytest.raises(ClientError, match="51 tags"):
        aws.client("sagemaker").add_tags(ResourceArn=group, Tags=many)


def test_models_configurations_and_endpoints_have_tags(aws: LocalAws, bucket: str, name: str) -> None:
    client = aws.client("sagemaker")
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": put_model(aws, bucket, name, echo_archive("하나"))}
    model = client.create_model(
        ModelName=f"{name}-tagged", PrimaryContainer=container, ExecutionRoleArn=ROLE, Tags=TAGS
    )
    configure(aws, bucket, name, echo_archive("하나"))
    [variant] = client.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
    config = client.create_endpoint_config(
        EndpointConfigName=f"{name}-tagged", ProductionVariants=[variant], Tags=TAGS
    )
    endpoint = client.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=TAGS)
    for arn in (model["ModelArn"], config["EndpointConfigArn"], endpoint["EndpointArn"]):
        assert tags(aws, arn) == TAGS


def test_jobs_have_tags(aws: LocalAws, bucket: str, source: str, code: str, name: str) -> None:
    client = aws.client("sagemaker")
    training: dict[str, Any] = client.create_training_job(**training_request(name, bucket, source, Tags=TAGS))
    processing = client.create_processing_job(**processing_request(name, bucket, code, Tags=TAGS))
    assert tags(aws, training["TrainingJobArn"]) == TAGS == tags(aws, processing["ProcessingJobArn"])


@pytest.mark.parametrize(
    ("resource", "message"),
    [("model/nobody", "Could not find model"), ("domain/d-1", "localaws has no domain")],
)
def test_tags_of_what_there_is_not_are_refused(aws: LocalAws, resource: str, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        tags(aws, f"arn:aws:sagemaker:{REGION}:000000000000:{resource}")
