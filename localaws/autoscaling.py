"""Application Auto Scaling of endpoints: targets and policies are checked and kept, and nothing is scaled.

They are kept in the record of their endpoint, so that they go with it, as on AWS.
"""

from collections.abc import Iterator

from ministack.core.responses import get_account_id, get_region, new_uuid

from localaws.api import ApiError, Json, Service, invalid
from localaws.endpoints import endpoints
from localaws.resources import now

TARGET = "ServiceNamespace=sagemaker ResourceId ScalableDimension"
ROLE = (
    "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
# What a dimension counts: the member of a variant that has it.
DIMENSIONS = {
    "sagemaker:variant:DesiredInstanceCount": "InitialInstanceCount",
    "sagemaker:variant:DesiredProvisionedConcurrency": "ProvisionedConcurrency",
}

autoscaling = Service("application-autoscaling")
operation = autoscaling.operation


@operation(
    "RegisterScalableTarget",
    f"""{TARGET} MinCapacity MaxCapacity RoleARN SuspendedState DynamicScalingInSuspended
    DynamicScalingOutSuspended ScheduledScalingSuspended""",
)
def _register_scalable_target(request: Json) -> Json:
    record = _endpoint(request)
    targets: dict[tuple[str, str], Json] = record.setdefault("targets", {})
    target = {
        "ScalableTargetARN": _arn("application-autoscaling", f"scalable-target/{new_uuid()}"),
        "RoleARN": f"arn:aws:iam::{get_account_id()}:{ROLE}",
        "CreationTime": now(),
        "policies": {},
        "tags": {},
        **targets.get(_key(request), {}),
        **request,
    }
    if missing := [name for name in ("MinCapacity", "MaxCapacity") if name not in target]:
        raise invalid(f"{' and '.join(missing)} must be given for a new scalable target")
    if target["MinCapacity"] > target["MaxCapacity"]:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    targets[_key(request)] = target
    return target


@operation("DeregisterScalableTarget", TARGET)
def _deregister_scalable_target(request: Json) -> Json:
    _target(request)
    del _endpoint(request)["targets"][_key(request)]
    return {}


@operation("DescribeScalableTargets", f"{TARGET} ResourceIds")
def _describe_scalable_targets(request: Json) -> Json:
    return {"ScalableTargets": list(_found(request, request.get("ResourceIds")))}


@operation("TagResource", "ResourceARN Tags")
def _tag_resource(request: Json) -> Json:
    _tags(request).update(request["Tags"])
    return {}


@operation("UntagResource", "ResourceARN TagKeys")
def _untag_resource(request: Json) -> Json:
    for key in request["TagKeys"]:
        _tags(request).pop(key, None)
    return {}


@operation("ListTagsForResource", "ResourceARN")
def _list_tags_for_resource(request: Json) -> Json:
    return {"Tags": _tags(request)}


@operation(
    "PutScalingPolicy",
    f"""{TARGET} PolicyName PolicyType=TargetTrackingScaling TargetTrackingScalingPolicyConfiguration!
    TargetValue PredefinedMetricSpecification PredefinedMetricType CustomizedMetricSpecification MetricName
    Namespace Dimensions Name Value Statistic Unit ScaleOutCooldown ScaleInCooldown DisableScaleIn""",
)
def _put_scaling_policy(request: Json) -> Json:
    policies, name = _target(request)["policies"], request["PolicyName"]
    configuration = request["TargetTrackingScalingPolicyConfiguration"]
    kinds = ("PredefinedMetricSpecification", "CustomizedMetricSpecification")
    if len(configuration.keys() & set(kinds)) != 1:
        raise invalid(f"A target tracking policy has either a {kinds[0]} or a {kinds[1]}")
    resource = f"{new_uuid()}:resource/sagemaker/{request['ResourceId']}:policyName/{name}"
    fixed = {"PolicyARN": _arn("autoscaling", f"scalingPolicy:{resource}"), "CreationTime": now()}
    if name in policies:
        fixed = {member: policies[name][member] for member in fixed}
    elif "PolicyType" not in request:
        raise invalid("PolicyType must be given for a new scaling policy")
    policies[name] = {**policies.get(name, {}), **request, **fixed, "Alarms": []}
    answer: Json = policies[name]
    return answer


@operation("DeleteScalingPolicy", f"{TARGET} PolicyName")
def _delete_scaling_policy(request: Json) -> Json:
    if _target(request)["policies"].pop(request["PolicyName"], None) is None:
        raise ApiError("ObjectNotFoundException", f"No scaling policy found named {request['PolicyName']}")
    return {}


@operation("DescribeScalingPolicies", f"{TARGET} PolicyNames")
def _describe_scaling_policies(request: Json) -> Json:
    wanted = [request["ResourceId"]] if "ResourceId" in request else None
    policies = [policy for target in _found(request, wanted) for policy in target["policies"].values()]
    names = request.get("PolicyNames")
    return {"ScalingPolicies": [one for one in policies if names is None or one["PolicyName"] in names]}


def _endpoint(request: Json) -> Json:
    """The record of the endpoint whose variant the request names; an ApiError if that cannot be scaled."""
    parts, dimension = request["ResourceId"].split("/"), request["ScalableDimension"]
    if len(parts) != 4 or parts[::2] != ["endpoint", "variant"] or dimension not in DIMENSIONS:
        raise invalid(f"localaws scales endpoint/NAME/variant/NAME by {' or '.join(DIMENSIONS)} only")
    record = endpoints.get(parts[1])
    variant = record["deployment"].variant if "deployment" in record else {}
    if variant.get("VariantName") != parts[3]:
        raise invalid(f"The endpoint {parts[1]} has no variant {parts[3]} in service")
    if DIMENSIONS[dimension] not in variant | variant.get("ServerlessConfig", {}):
        raise invalid(f"The variant {parts[3]} has no {DIMENSIONS[dimension]} to scale by {dimension}")
    return record


def _key(request: Json) -> tuple[str, str]:
    return request["ResourceId"], request["ScalableDimension"]


def _target(request: Json) -> Json:
    """The scalable target that the request names."""
    for target in _found(request, [request["ResourceId"]]):
        return target
    raise ApiError("ObjectNotFoundException", f"No scalable target found for {' '.join(_key(request))}")


def _tags(request: Json) -> dict[str, str]:
    for target in _found({}, None):
        if target["ScalableTargetARN"] == request["ResourceARN"]:
            tags: dict[str, str] = target["tags"]
            return tags
    raise ApiError("ResourceNotFoundException", f"No scalable target found for {request['ResourceARN']}")


def _found(request: Json, resources: list[str] | None) -> Iterator[Json]:
    """The targets of all endpoints, or of those ``resources``, with the dimension that the request names."""
    for endpoint in endpoints.all():
        for (resource, dimension), target in endpoint.get("targets", {}).items():
            wanted = request.get("ScalableDimension", dimension)
            if (resources is None or resource in resources) and wanted == dimension:
                yield target


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"
