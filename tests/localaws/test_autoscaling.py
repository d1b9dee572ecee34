from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import REGION
from tests.localaws.test_endpoints import at_rest, configure, create_model, echo_archive, variant

INSTANCES = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
TRACKING = {
    "TargetValue": 100.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    "ScaleInCooldown": 600,
    "ScaleOutCooldown": 60,
}


def target(endpoint: str, dimension: str = INSTANCES, **more: Any) -> dict[str, Any]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/primary",
        "ScalableDimension": dimension,
        **more,
    }


def policy(endpoint: str, **more: Any) -> dict[str, Any]:
    return target(endpoint, PolicyName="by-load", PolicyType="TargetTrackingScaling") | {
        "TargetTrackingScalingPolicyConfiguration": TRACKING,
        **more,
    }


@pytest.fixture
def endpoint(aws: LocalAws, bucket: str, name: str) -> str:
    configure(aws, bucket, name, echo_archive("하나"))
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert at_rest(aws, name)["EndpointStatus"] == "InService"
    return name


def targets(aws: LocalAws, endpoint: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{endpoint}/variant/primary"]
    )["ScalableTargets"]
    return found


def test_target_is_registered_tagged_and_changed(aws: LocalAws, endpoint: str) -> None:
    client = aws.client("application-autoscaling")
    arn = client.register_scalable_target(**target(endpoint, MinCapacity=1, MaxCapacity=3))[
        "ScalableTargetARN"
    ]
    assert arn.startswith(f"arn:aws:application-autoscaling:{REGION}:000000000000:scalable-target/")
    client.register_scalable_target(**target(endpoint, MaxCapacity=5))
    client.tag_resource(ResourceARN=arn, Tags={"Project": "nunchi", "env": "dev"})
    client.untag_resource(ResourceARN=arn, TagKeys=["env"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"Project": "nunchi"}
    [found] = targets(aws, endpoint)
    assert (found["MinCapacity"], found["MaxCapacity"], found["ScalableTargetARN"]) == (1, 5, arn)
    client.deregister_scalable_target(**target(endpoint))
    assert not targets(aws, endpoint)


def test_policy_is_put_changed_and_deleted(aws: LocalAws, endpoint: str) -> None:
    client = aws.client("application-autoscaling")
    client.register_scalable_target(**target(endpoint, MinCapacity=1, MaxCapacity=3))
    arn = client.put_scaling_policy(**policy(endpoint))["PolicyARN"]
    changed = {**TRACKING, "TargetValue": 50.0}
    again = client.put_scaling_policy(**policy(endpoint, TargetTrackingScalingPolicyConfiguration=changed))
    assert again["PolicyARN"] == arn
    [found] = client.describe_scaling_policies(**target(endpoint))["ScalingPolicies"]
    assert (found["PolicyARN"], found["TargetTrackingScalingPolicyConfiguration"]) == (arn, changed)
    client.delete_scaling_policy(**target(endpoint, PolicyName="by-load"))
    assert not client.describe_scaling_policies(**target(endpoint))["ScalingPolicies"]
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        client.delete_scaling_policy(**target(endpoint, PolicyName="by-load"))


def test_endpoint_takes_its_target_along(aws: LocalAws, endpoint: str) -> None:
    client = aws.client("application-autoscaling")
    client.register_scalable_target(**target(endpoint, MinCapacity=1, MaxCapacity=3))
    client.put_scaling_policy(**policy(endpoint))
    aws.client("sagemaker").delete_endpoint(EndpointName=endpoint)
    assert not targets(aws, endpoint)
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        client.deregister_scalable_target(**target(endpoint))


def test_scaled_variant_keeps_its_instance_type(aws: LocalAws, bucket: str, endpoint: str) -> None:
    client = aws.client("sagemaker")
    aws.client("application-autoscaling").register_scalable_target(
        **target(endpoint, MinCapacity=1, MaxCapacity=3)
    )
    configure(aws, bucket, f"{endpoint}-2", echo_archive("둘"), InstanceType="ml.m5.xlarge")
    with pytest.raises(ClientError, match="its instance type cannot change"):
        client.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-2")


def test_provisioned_concurrency_is_scaled(aws: LocalAws, bucket: str, name: str) -> None:
    sagemaker, client = aws.client("sagemaker"), aws.client("application-autoscaling")
    create_model(aws, bucket, name, echo_archive("하나"))
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant(name, ServerlessConfig=serverless)]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    at_rest(aws, name)
    client.register_scalable_target(**target(name, CONCURRENCY, MinCapacity=1, MaxCapacity=5))
    with pytest.raises(ClientError, match="no InitialInstanceCount to scale"):
        client.register_scalable_target(**target(name, MinCapacity=1, MaxCapacity=5))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"MinCapacity": 3, "MaxCapacity": 1}, "Maximum capacity cannot be less"),
        ({"MinCapacity": 1}, "MaxCapacity must be given"),
        ({"ResourceId": "endpoint/nobody/variant/primary"}, "Could not find endpoint"),
        ({"ServiceNamespace": "dynamodb"}, "dynamodb as ServiceNamespace, only sagemaker"),
        (
            {"ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"},
            "localaws scales endpoint/",
        ),
        ({"ScalableDimension": "x"}, "enum value set"),
        ({"Tags": {"a": "b"}}, "does not implement Tags"),  # which TagResource does
    ],
)
def test_target_that_cannot_be_is_refused(
    aws: LocalAws, endpoint: str, more: dict[str, Any], message: str
) -> None:
    limits: dict[str, Any] = {} if "MinCapacity" in more else {"MinCapacity": 1, "MaxCapacity": 3}
    with pytest.raises(ClientError, match=rf"ValidationException.*{message}"):
        aws.client("application-autoscaling").register_scalable_target(**target(endpoint, **limits) | more)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"PolicyType": "StepScaling"}, "StepScaling as PolicyType, only TargetTrackingScaling"),
        ({"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1.0}}, "has either a Predefined"),
    ],
)
def test_policy_that_cannot_be_is_refused(
    aws: LocalAws, endpoint: str, more: dict[str, Any], message: str
) -> None:
    client = aws.client("application-autoscaling")
    client.register_scalable_target(**target(endpoint, MinCapacity=1, MaxCapacity=3))
    with pytest.raises(ClientError, match=message):
        client.put_scaling_policy(**policy(endpoint, **more))


def test_operation_that_there_is_not_is_named(aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="application-autoscaling:DescribeScalingActivities"):
        aws.client("application-autoscaling").describe_scaling_activities(ServiceNamespace="sagemaker")
