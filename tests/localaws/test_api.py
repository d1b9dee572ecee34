"""What the API's front refuses, whoever asks."""

import pytest

from localaws import api

PACKAGE = {"ModelPackageArn": "arn:aws:sagemaker:ap-northeast-2:000000000000:model-package/group/1"}


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("CreateModelPackageGroup", {}, "ModelPackageGroupName"),
        ("CreateModelPackageGroup", {"ModelPackageGroupName": 3}, "Invalid type"),
        ("CreateModelPackageGroup", {"ModelPackageGroupName": "a b"}, "regular expression pattern"),
        ("CreateModelPackageGroup", {"ModelPackageGroupName": "a" * 64}, "length less than or equal to 63"),
        ("CreateModelPackageGroup", {"ModelPackageGroupName": "a", "Colour": "red"}, "Colour"),
        ("CreateModelPackage", {"ModelApprovalStatus": "Perhaps"}, "enum value set"),
        (
            "UpdateModelPackage",
            {**PACKAGE, "ApprovalDescription": "two\nlines"},
            "regular expression pattern",
        ),
        (
            "UpdateModelPackage",
            {**PACKAGE, "CustomerMetadataProperties": {"run": "retrain(1)"}},
            "'retrain\\(1\\)' .* regular expression pattern",
        ),
        ("ListTrainingJobs", {"WarmPoolStatusEquals": "Reused"}, "does not implement WarmPoolStatusEquals"),
        (
            "CreateEndpointConfig",
            {
                "EndpointConfigName": "a",
                "ProductionVariants": [
                    {
                        "VariantName": "a",
                        "ModelName": "a",
                        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 201},
                    }
                ],
            },
            "have value less than or equal to 200",
        ),
        (
            "CreateModelPackageGroup",
            {"ModelPackageGroupName": "a", "Tags": [{"Key": str(i), "Value": ""} for i in range(51)]},
            "'Tags' failed .* length less than or equal to 50",
        ),
    ],
)
def test_request_that_does_not_fit_the_model_is_refused(
    operation: str, request_: dict[str, object], message: str
) -> None:
    import localaws.plugins  # noqa: F401  (registers the operations)

    with pytest.raises(api.ApiError, match=message) as raised:
        api.call(operation, request_)
    assert raised.value.code == "ValidationException"


def test_operation_that_there_is_not_is_named() -> None:
    with pytest.raises(api.ApiError, match="does not implement sagemaker:CreateAutoMLJob"):
        api.call("CreateAutoMLJob", {})
