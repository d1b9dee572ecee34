"""The Model Registry: model package groups and their versions."""

from localaws.api import Answer, ApiError, Request, invalid, operation, takes
from localaws.events import publish
from localaws.resources import Collection, Record, now

model_package_groups = Collection(
    "model-package-group",
    "ModelPackageGroup",
    missing="ModelPackageGroup {arn} does not exist.",
    exists="Model Package Group already exists: {arn}",
)
model_packages = Collection(
    "model-package",
    "ModelPackage",
    missing="ModelPackage {arn} does not exist.",
    exists="Model Package already exists: {arn}",
)


@operation("CreateModelPackageGroup", takes("ModelPackageGroupName ModelPackageGroupDescription Tags"))
def create_model_package_group(request: Request) -> Answer:
    """sagemaker:CreateModelPackageGroup."""
    record = model_package_groups.add(request, ModelPackageGroupStatus="Completed", CreatedBy={}, versions=0)
    return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}


@operation("DeleteModelPackageGroup", takes("ModelPackageGroupName"))
def delete_model_package_group(request: Request) -> Answer:
    """sagemaker:DeleteModelPackageGroup."""
    record = model_package_groups.get(request["ModelPackageGroupName"])
    name = record["ModelPackageGroupName"]
    if list_model_packages({"ModelPackageGroupName": name})["ModelPackageSummaryList"]:
        message = f"Model Package Group {name} cannot be deleted: it contains Model Packages."
        raise ApiError("ConflictException", message)
    return model_package_groups.remove(record)


@operation(
    "CreateModelPackage",
    takes(
        "ModelPackageGroupName ModelPackageDescription InferenceSpecification ModelApprovalStatus "
        "ModelMetrics AdditionalInferenceSpecifications MetadataProperties CustomerMetadataProperties "
        "DriftCheckBaselines Domain Task SamplePayloadUrl SourceUri SkipModelValidation ClientToken Tags"
    ),
)
def create_model_package(request: Request) -> Answer:
    """sagemaker:CreateModelPackage, of a new version of a group."""
    for needed in ("ModelPackageGroupName", "InferenceSpecification"):
        if needed not in request:
            raise invalid(f"localaws has versioned packages of models only: {needed} is required")
    group = model_package_groups.get(request["ModelPackageGroupName"])
    group["versions"] += 1
    record = model_packages.add(
        request,
        f"{group['ModelPackageGroupName']}/{group['versions']}",
        ModelPackageGroupName=group["ModelPackageGroupName"],
        ModelPackageVersion=group["versions"],
        ModelPackageStatus="Completed",
        ModelPackageStatusDetails={"ValidationStatuses": [], "ImageScanStatuses": []},
        ModelApprovalStatus=request.get("ModelApprovalStatus", "PendingManualApproval"),
    )
    return _announce(record)


@operation(
    "UpdateModelPackage",
    takes(
        "ModelPackageArn ModelApprovalStatus ApprovalDescription CustomerMetadataProperties "
        "CustomerMetadataPropertiesToRemove"
    ),
)
def update_model_package(request: Request) -> Answer:
    """sagemaker:UpdateModelPackage."""
    record = model_packages.get(request["ModelPackageArn"])
    removed = request.get("CustomerMetadataPropertiesToRemove", [])
    properties = record.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
    record.update(
        {key: request[key] for key in ("ModelApprovalStatus", "ApprovalDescription") if key in request},
        CustomerMetadataProperties={key: value for key, value in properties.items() if key not in removed},
        LastModifiedTime=now(),
    )
    return _announce(record)


@operation("DeleteModelPackage", takes("ModelPackageName"))
def delete_model_package(request: Request) -> Answer:
    """sagemaker:DeleteModelPackage."""
    return model_packages.remove(model_packages.get(request["ModelPackageName"]))


@operation(
    "ListModelPackages",
    takes(
        "ModelPackageGroupName ModelApprovalStatus MaxResults NextToken SortBy SortOrder",
        ModelPackageType="Versioned",
    ),
)
def list_model_packages(request: Request) -> Answer:
    """sagemaker:ListModelPackages, which has filters of its own."""
    if "ModelPackageGroupName" not in request:
        return {
            "ModelPackageSummaryList": []
        }  # as AWS: without a group, only the packages that are not versions
    group = model_package_groups.get(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    status = request.get("ModelApprovalStatus")
    return model_packages.list(
        request,
        lambda one: one["ModelPackageGroupName"] == group and status in (None, one["ModelApprovalStatus"]),
    )


def _announce(record: Record) -> Answer:
    identifier: str = record["ModelPackageArn"]
    publish("SageMaker Model Package State Change", identifier, model_packages.describe(record))
    return {"ModelPackageArn": identifier}
