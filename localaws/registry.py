"""The Model Registry: model package groups and their versions."""

import copy
import threading

from localaws.api import ApiError, Json, invalid, operation
from localaws.events import publish
from localaws.resources import Collection, now

model_package_groups = Collection("ModelPackageGroup")
model_packages = Collection("ModelPackage", filters="ModelPackageGroupName! ModelApprovalStatus")
_creating = threading.Lock()
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
    with _creating:
        return _made_before(request) or _make(request, group)


def _made_before(request: Json) -> Json | None:
    """The package of an earlier request with the same ClientToken.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
    """
    token = request.get("ClientToken")
    for record in model_packages.all() if token else ():
        if record.get("ClientToken") == token:
            if record["asked"] != request:
                raise invalid(f"The ClientToken {token} was given with another request")
            return record
    return None


def _make(request: Json, group: Json) -> Json:
    group["versions"] += 1
    record = model_packages.add(
        request,
        f"{group['ModelPackageGroupName']}/{group['versions']}",
        asked=copy.deepcopy(request),
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
