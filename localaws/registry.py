"""The Model Registry: model package groups and their versions."""

from localaws.api import ApiError, Json, invalid, operation
from localaws.events import publish
from localaws.resources import Collection, now

model_package_groups = Collection("ModelPackageGroup")
model_packages = Collection("ModelPackage", filters="ModelPackageGroupName! ModelApprovalStatus")
operation("DeleteModelPackage", "ModelPackageName")(model_packages.delete)


@operation("CreateModelPackageGroup", "ModelPackageGroupName ModelPackageGroupDescription Tags Key Value")
def _create_model_package_group(request: Json) -> Json:
    return model_package_groups.add(request, ModelPackageGroupStatus="Completed", CreatedBy={}, versions=0)


@operation("DeleteModelPackageGroup", "ModelPackageGroupName")
def _delete_model_package_group(request: Json) -> None:
    name = model_package_groups.get(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    if model_packages.list({"ModelPackageGroupName": name})["ModelPackageSummaryList"]:
        message = f"Model Package Group {name} cannot be deleted: it contains Model Packages."
        raise ApiError("ConflictException", message)
    model_package_groups.delete(request)


@operation(
    "CreateModelPackage",
    """ModelPackageGroupName! ModelPackageDescription ModelApprovalStatus CustomerMetadataProperties
    ClientToken InferenceSpecification! Containers Image ModelDataUrl Environment SupportedContentTypes
    SupportedResponseMIMETypes ModelMetrics ModelQuality Statistics ContentType S3Uri""",
)
def _create_model_package(request: Json) -> Json:
    if len(request["InferenceSpecification"]["Containers"]) != 1:
        raise invalid("localaws serves models of one container")
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
    publish(model_packages, record)
    return record


@operation(
    "UpdateModelPackage",
    """ModelPackageArn ModelApprovalStatus ApprovalDescription CustomerMetadataProperties
    CustomerMetadataPropertiesToRemove""",
)
def _update_model_package(request: Json) -> Json:
    record = model_packages.get(request["ModelPackageArn"])
    removed = request.pop("CustomerMetadataPropertiesToRemove", [])
    properties = record.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
    kept = {key: value for key, value in properties.items() if key not in removed}
    changed = [name for name in request if name != "ModelPackageArn"]
    record.update(request | {"CustomerMetadataProperties": kept, "LastModifiedTime": now()})
    publish(model_packages, record, UpdatedModelPackageFields=changed)
    return record
