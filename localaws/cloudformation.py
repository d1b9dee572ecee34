"""The SageMaker resource types of CloudFormation, on top of the SageMaker API."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from ministack.services.cloudformation import provisioners, stacks

from localaws import api, aws
from localaws.resources import arn

Properties = dict[str, Any]
Provisioned = tuple[str, dict[str, Any]]  # physical id (what Ref gives: the ARN) and attributes

NOUNS = {
    "Model": "model",
    "EndpointConfig": "endpoint-config",
    "Endpoint": "endpoint",
    "ModelPackageGroup": "model-package-group",
}
UPDATE_ONLY = {"RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig"}
POLL_SECONDS = 0.1


def install() -> None:
    """Register the types with ministack."""
    for shape in NOUNS:
        kind = f"AWS::SageMaker::{shape}"
        provisioners._RESOURCE_HANDLERS[kind] = {
            "create": _creator(shape),
            "update": _updater(shape),
            "delete": _deleter(shape),
        }
        provisioners._CUSTOM_NAME_REPLACEMENT[kind] = {"name": f"{shape}Name"}
    # A change of anything but tags replaces a model and an endpoint configuration.
    for shape in ("Model", "EndpointConfig"):
        members = api.model().operation_model(f"Create{shape}").input_shape.members
        provisioners._REPLACING_PROPERTIES[f"AWS::SageMaker::{shape}"] = tuple(members.keys() - {"Tags"})
    provisioners._REPLACING_PROPERTIES["AWS::SageMaker::Endpoint"] = ("EndpointName",)
    provisioners._REPLACING_PROPERTIES["AWS::SageMaker::ModelPackageGroup"] = (
        "ModelPackageGroupName",
        "ModelPackageGroupDescription",
    )
    theirs: Callable[[str], bool] = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: theirs(kind) or kind.startswith("AWS::SageMaker::")


def _creator(shape: str) -> Callable[[str, Properties, str], Provisioned]:
    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        properties = {key: value for key, value in properties.items() if key not in UPDATE_ONLY}
        name = properties.setdefault(f"{shape}Name", f"{logical_id[:50]}-{secrets.token_hex(6)}")
        _call(f"Create{shape}", properties)
        if shape == "Endpoint":
            try:
                _wait_for_endpoint(name)
            except RuntimeError:
                _deleter(shape)(arn("endpoint", name), {})
                raise
        return _provisioned(shape, name)

    return create


def _updater(shape: str) -> Callable[[str, Properties, Properties, str], Provisioned]:
    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Provisioned:
        name = _name(physical_id)
        if shape == "Endpoint" and _without_tags(old) != _without_tags(new):
            _call("UpdateEndpoint", {**_without_tags(new), "EndpointName": name})
            _wait_for_endpoint(name)
        if new.get("Tags") and old.get("Tags") != new["Tags"]:
            _call("AddTags", {"ResourceArn": physical_id, "Tags": new["Tags"]})
        return _provisioned(shape, name)

    return update


def _deleter(shape: str) -> Callable[[str, Properties], None]:
    def delete(physical_id: str, properties: Properties) -> None:
        name = _name(physical_id)
        try:
            _call(f"Describe{shape}", {f"{shape}Name": name})
        except RuntimeError:
            return  # someone deleted it: CloudFormation is content
        _call(f"Delete{shape}", {f"{shape}Name": name})

    return delete


def _provisioned(shape: str, name: str) -> Provisioned:
    identifier = arn(NOUNS[shape], name)
    attributes = {f"{shape}Name": name}
    if shape == "ModelPackageGroup":
        attributes = {"ModelPackageGroupArn": identifier, "ModelPackageGroupStatus": "Completed"}
    return identifier, attributes


def _wait_for_endpoint(name: str) -> None:
    """Wait until the endpoint is at rest.

    Raises:
        RuntimeError: it does not serve what it was asked to.
    """
    while True:
        endpoint = _call("DescribeEndpoint", {"EndpointName": name})
        if endpoint["EndpointStatus"] not in ("Creating", "Updating"):
            if reason := endpoint.get("FailureReason"):
                raise RuntimeError(reason)
            return
        time.sleep(POLL_SECONDS)


def _call(name: str, properties: Properties) -> dict[str, Any]:
    """Call the SageMaker API; its answer.

    Raises:
        RuntimeError: with the API's message, which becomes the stack event's reason.
    """
    try:
        return getattr(aws.client("sagemaker"), xform_name(name))(**properties)  # type: ignore[no-any-return]
    except (ClientError, ParamValidationError) as error:
        raise RuntimeError(str(error)) from error


def _without_tags(properties: Properties) -> Properties:
    return {key: value for key, value in properties.items() if key != "Tags"}


def _name(physical_id: str) -> str:
    return physical_id.rpartition("/")[2]
