"""The SageMaker resource types of CloudFormation, on top of the SageMaker API."""

import secrets
import time
from collections.abc import Callable
from functools import partial

from ministack.services.cloudformation import provisioners, stacks

from localaws import api
from localaws.api import Json
from localaws.endpoints import endpoints
from localaws.models import endpoint_configs, models
from localaws.registry import model_package_groups
from localaws.resources import Collection

Provisioned = tuple[str, Json]  # physical id (what Ref gives: the ARN) and attributes

POLL_SECONDS = 0.1


def install() -> None:
    """Register the types with ministack."""
    for kind in (models, endpoint_configs, endpoints, model_package_groups):
        resource_type = f"AWS::SageMaker::{kind.shape}"
        provisioners._RESOURCE_HANDLERS[resource_type] = {
            "create": partial(_create, kind),
            "update": partial(_update, kind),
            "delete": partial(_delete, kind),
        }
        provisioners._CUSTOM_NAME_REPLACEMENT[resource_type] = {"name": kind.name}
        # Of an endpoint, all but the name can change; any change replaces the others.
        members = api.model().operation_model(f"Create{kind.shape}").input_shape.members
        provisioners._REPLACING_PROPERTIES[resource_type] = (
            (kind.name,) if kind is endpoints else tuple(members)
        )
    theirs: Callable[[str], bool] = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda name: theirs(name) or name.startswith("AWS::SageMaker::")


def _create(kind: Collection, logical_id: str, properties: Json, stack_name: str) -> Provisioned:
    generated = {kind.name: f"{logical_id[:50]}-{secrets.token_hex(6)}"}
    request = generated | {k: v for k, v in properties.items() if k != "RetainAllVariantProperties"}
    api.call(f"Create{kind.shape}", request)
    provisioned = _provisioned(kind, request[kind.name])
    if kind is endpoints:
        try:
            _wait_for_endpoint(request[kind.name])
        except RuntimeError:
            _delete(kind, provisioned[0], {})
            raise
    return provisioned


def _update(kind: Collection, physical_id: str, old: Json, new: Json, stack_name: str) -> Provisioned:
    name = physical_id.rpartition("/")[2]
    if kind is endpoints:
        api.call("UpdateEndpoint", {**new, "EndpointName": name})
        _wait_for_endpoint(name)
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
