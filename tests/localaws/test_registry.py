from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import INFERENCE_IMAGE, REGION


def specification(url: str = "s3://localaws-tests/model.tar.gz") -> dict[str, Any]:
    return {
        "Containers": [{"Image": INFERENCE_IMAGE, "ModelDataUrl": url}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }


@pytest.fixture
def group(aws: LocalAws, name: str) -> str:
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    return name


def test_versions_count_up_in_their_group(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    arns = [
        client.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification())
        for _ in range(2)
    ]
    prefix = f"arn:aws:sagemaker:{REGION}:000000000000:model-package/{group}"
    assert [item["ModelPackageArn"] for item in arns] == [f"{prefix}/1", f"{prefix}/2"]


def test_request_that_is_repeated_with_its_token_makes_one_package(aws: LocalAws, group: str) -> None:
    client, token = aws.client("sagemaker"), f"{group}-1"
    request = {"ModelPackageGroupName": group, "InferenceSpecification": specification()}
    first = client.create_model_package(**request, ClientToken=token)["ModelPackageArn"]
    client.update_model_package(ModelPackageArn=first, ModelApprovalStatus="Approved")
    assert client.create_model_package(**request, ClientToken=token)["ModelPackageArn"] == first
    assert len(client.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]) == 1


def test_token_of_another_request_is_refused(aws: LocalAws, group: str) -> None:
    client, token = aws.client("sagemaker"), f"{group}-1"
    request = {"ModelPackageGroupName": group, "ClientToken": token}
    client.create_model_package(**request, InferenceSpecification=specification())
    with pytest.raises(ClientError, match=f"ClientToken {token} was given with another request"):
        client.create_model_package(
            **request, InferenceSpecification=specification("s3://other/model.tar.gz")
        )


def test_package_waits_for_approval_unless_told_otherwise(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    arn = client.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification())
    package = client.describe_model_package(ModelPackageName=arn["ModelPackageArn"])
    assert (package["ModelApprovalStatus"], package["ModelPackageStatus"]) == (
        "PendingManualApproval",
        "Completed",
    )


def test_approval_and_metadata_can_be_changed(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    arn = client.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification=specification(),
        CustomerMetadataProperties={"a": "1", "b": "2"},
    )["ModelPackageArn"]
    client.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Rejected",
        ApprovalDescription="gate",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    package = client.describe_model_package(ModelPackageName=arn)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Rejected", "gate")
    assert package["CustomerMetadataProperties"] == {"b": "2", "c": "3"}


def test_packages_are_listed_by_approval(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    for status in ("Approved", "Rejected", "Approved"):
        client.create_model_package(
            ModelPackageGroupName=group, InferenceSpecification=specification(), ModelApprovalStatus=status
        )
    found = client.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    assert [item["ModelPackageVersion"] for item in found["ModelPackageSummaryList"]] == [3, 1]


def test_pages_of_a_list_follow_each_other(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    for _ in range(3):
        client.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification())
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, PaginationConfig={"PageSize": 2}
    )
    assert [[item["ModelPackageVersion"] for item in page["ModelPackageSummaryList"]] for page in pages] == [
        [3, 2],
        [1],
    ]


def test_group_with_packages_cannot_be_deleted(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    arn = client.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification())
    with pytest.raises(ClientError, match="ConflictException"):
        client.delete_model_package_group(ModelPackageGroupName=group)
    client.delete_model_package(ModelPackageName=arn["ModelPackageArn"])
    client.delete_model_package_group(ModelPackageGroupName=group)


def test_version_number_is_not_used_again(aws: LocalAws, group: str) -> None:
    client = aws.client("sagemaker")
    first = client.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification())
    client.delete_model_package(ModelPackageName=first["ModelPackageArn"])
    second = client.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification())
    assert second["ModelPackageArn"].endswith(f"{group}/2")
