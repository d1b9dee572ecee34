"""The SageMaker resource types of CloudFormation, on top of the SageMaker API."""

import secrets
import time
from functools import partial

from ministack.services.cloudformation import provisioners

from localaws import api
from localaws.api import Json
from localaws.cloudformation import Provisioned, add, tag_changes
from localaws.endpoint_configs import endpoint_configs
from localaws.endpoints import endpoints
from localaws.models import models
from localaws.registry import model_package_groups
from localaws.resources import Collection

POLL_SECONDS = 0.1


def install() -> None:
    """Register the types with ministack."""
    for kind in (models, endpoint_configs, endpoints, model_package_groups):
        resource_type = f"AWS::SageMaker::{kind.shape}"
        # Of an endpoint, all but the name can change; any change but one of tags replaces the others.
        replacing = {kind.name} if kind is endpoints else _members(f"Create{kind.shape}") - {"Tags"}
        add(
            resource_type,
            create=partial(_create, kind),
            update=partial(_update, kind),
            delete=partial(_delete, kind),
            replacing=tuple(replacing),
        )
        provisioners._CUSTOM_NAME_REPLACEMENT[resource_type] = {"name": kind.name}


def _members(operation: str) -> set[str]:
    return set(api.sagemaker.model.operation_model(operation).input_shape.members)


def _create(kind: Collection, logical_id: str, properties: Json, stack_name: str) -> Provisioned:
    updates = _members("UpdateEndpoint") - _members("CreateEndpoint")  # properties that only an update heeds
    generated = {kind.name: f"{logical_id[:50]}-{secrets.token_hex(6)}"}
    request = generated | {key: value for key, value in properties.items() if key not in updates}
    api.call(f"Create{kind.shape}", request)
    provisioned = _provisioned(kind, request[kind.name])
    if kind is endpoints:
        try:
            _wait_for_endpoint(request[kind.name])
        except RuntimeError:
            _delete(kind, provisioned[0], {})
            raise
    return provisioned


def _update(kind: Collection, physical_id: str, old: Json, new: Json) -> Provisioned:
    name = physical_id.rpartition("/")[2]
    # Another way to deploy is for the next deployment.
    if kind is endpoints and old["EndpointConfigName"] != new["EndpointConfigName"]:
        request = {key: value for key, value in new.items() if key != "Tags"}
        api.call("UpdateEndpoint", {**request, "EndpointName": name})
        _wait_for_endpoint(name)
    tags, removed = tag_changes(old.get("Tags", []), new.get("Tags", []))
    if tags:
        api.call("AddTags", {"ResourceArn": physical_id, "Tags": tags})
    if removed:
        api.call("DeleteTags", {"ResourceArn": physical_id, "TagKeys": removed})
    return _provisioned(kind, name)


def _delete(kind: Collection, physical_id: str, properties: Json) -> None:
    name = {kind.name: physical_id.rpartition("/")[2]}
    try:
        api.call(f"Describe{kind.shape}", name)
    except api.ApiError:
        return  # someone deleted it: CloudFormation is content
    api.call(f"Delete{kind.shape}", name)


def _provisioned(kind: Collection, name: str) -> Provisioned:
    arn = kind.arn(name)
    if kind is model_package_groups:
        return arn, {"ModelPackageGroupArn": arn, "ModelPackageGroupStatus": "Completed"}
    return arn, {kind.name: name}


def _wait_for_endpoint(name: str) -> None:
    """Wait until the endpoint is at rest; a RuntimeError says why it does not serve what it was asked to."""
    while (record := endpoints.get(name))["EndpointStatus"] in ("Creating", "Updating"):
        time.sleep(POLL_SECONDS)
    if reason := record.get("FailureReason"):
        raise RuntimeError(reason)
