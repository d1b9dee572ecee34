from __future__ import annotations

import pytest

from tests.stacks.resolved import Environment, Json

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


def endpoint(environment: Environment) -> Json:
    (found,) = (
        properties
        for _, _, properties in environment.of_type("AWS::SageMaker::Endpoint")
        if properties["EndpointName"] == environment.settings.endpoint_name
    )
    return found


def config(environment: Environment) -> Json:
    """Its configuration, the one whose variant has instances."""
    (found,) = (
        properties
        for _, _, properties in environment.of_type("AWS::SageMaker::EndpointConfig")
        if "InstanceType" in properties["ProductionVariants"][0]
    )
    return found


def routing(environment: Environment) -> Json:
    policy = endpoint(environment)["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    found: Json = policy["TrafficRoutingConfiguration"]
    return found


@every_environment
def test_the_endpoint_starts_with_the_instances_of_the_settings(
    environments: dict[str, Environment], name: str
) -> None:
    realtime = environments[name].settings.serving.realtime
    assert realtime
    (variant,) = config(environments[name])["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == (
        realtime.instance_type,
        realtime.min_instances,
    )


@every_environment
def test_the_volumes_of_the_endpoint_are_encrypted(environments: dict[str, Environment], name: str) -> None:
    assert config(environments[name])["KmsKeyId"] == environments[name].key_arn


def test_an_instance_with_disks_of_its_own_gets_no_key_for_them(variants: dict[str, Environment]) -> None:
    """SageMaker refuses the configuration."""
    assert "KmsKeyId" not in config(variants["gpu"])


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_the_endpoint_scales_on_invocations_an_instance_within_its_limits(
    environments: dict[str, Environment], name: str
) -> None:
    environment, realtime = environments[name], environments[name].settings.serving.realtime
    assert realtime
    target = environment.properties("serving", "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (realtime.min_instances, realtime.max_instances)
    assert target["ResourceId"] == f"endpoint/nunchi-{name}/variant/champion"
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    policy = environment.properties("serving", "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "TargetValue": realtime.invocations_per_instance,
        "ScaleInCooldown": realtime.scale_in_cooldown_seconds,
        "ScaleOutCooldown": realtime.scale_out_cooldown_seconds,
    }


def test_an_endpoint_whose_limits_are_one_does_not_scale(environments: dict[str, Environment]) -> None:
    kinds = {resource["Type"] for resource in environments["dev"].templates["serving"].resources.values()}
    assert not [kind for kind in kinds if kind.startswith("AWS::ApplicationAutoScaling::")]


@pytest.mark.parametrize(("name", "kept"), [("dev", False), ("staging", True), ("prod", True)])
def test_a_new_model_keeps_the_number_of_instances_that_scaling_chose(
    environments: dict[str, Environment], name: str, kept: bool
) -> None:
    """A promotion at the busiest hour would take the endpoint back to its least."""
    assert endpoint(environments[name]).get("RetainAllVariantProperties", False) is kept


@every_environment
def test_an_alarm_during_a_deployment_brings_the_old_model_back(
    environments: dict[str, Environment], name: str
) -> None:
    rollback = endpoint(environments[name])["DeploymentConfig"]["AutoRollbackConfiguration"]
    assert rollback["Alarms"] == [
        {"AlarmName": f"nunchi-{name}-endpoint-errors"},
        {"AlarmName": f"nunchi-{name}-endpoint-latency"},
    ]


@every_environment
def test_the_alarms_that_guard_a_deployment_look_at_the_endpoint(
    environments: dict[str, Environment], name: str
) -> None:
    """An alarm on another variant stays silent while a bad model takes all the traffic."""
    guarding = [
        properties
        for part, _, properties in environments[name].of_type("AWS::CloudWatch::Alarm")
        if part == "serving"
    ]
    dimensions = [
        {one["Name"]: one["Value"] for one in query["MetricStat"]["Metric"]["Dimensions"]}
        for alarm in guarding
        for query in alarm["Metrics"]
        if "MetricStat" in query
    ]
    assert dimensions == [{"EndpointName": f"nunchi-{name}", "VariantName": "champion"}] * 3


@every_environment
def test_the_alarms_are_watched_long_enough_to_ring(environments: dict[str, Environment], name: str) -> None:
    """One that needs more minutes than the old instances have left comes too late."""
    policy = endpoint(environments[name])["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    slowest = max(
        alarm["EvaluationPeriods"] * query["MetricStat"]["Period"]
        for part, _, alarm in environments[name].of_type("AWS::CloudWatch::Alarm")
        if part == "serving"
        for query in alarm["Metrics"]
        if "MetricStat" in query
    )
    assert policy["TerminationWaitInSeconds"] > slowest
    assert routing(environments[name])["WaitIntervalInSeconds"] > slowest


@every_environment
def test_a_deployment_has_time_for_both_of_its_waits(environments: dict[str, Environment], name: str) -> None:
    """SageMaker refuses a longest time below what the waits alone take."""
    policy = endpoint(environments[name])["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    waits = policy["TerminationWaitInSeconds"] + routing(environments[name])["WaitIntervalInSeconds"]
    assert waits < policy["MaximumExecutionTimeoutInSeconds"] <= 8 * 3600


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_a_canary_takes_its_share_of_the_traffic_first(
    environments: dict[str, Environment], name: str
) -> None:
    assert routing(environments[name])["Type"] == "CANARY"
    assert routing(environments[name])["CanarySize"] == {"Type": "CAPACITY_PERCENT", "Value": 50}


def test_without_a_canary_all_traffic_moves_at_once(environments: dict[str, Environment]) -> None:
    assert routing(environments["dev"])["Type"] == "ALL_AT_ONCE"
    assert "CanarySize" not in routing(environments["dev"])


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_requests_and_answers_are_captured_encrypted_below_their_prefix(
    environments: dict[str, Environment], name: str
) -> None:
    environment = environments[name]
    capture = config(environment)["DataCaptureConfig"]
    artifacts = environment.physical_name("storage", "Artifacts")
    assert capture["EnableCapture"] is True
    assert capture["InitialSamplingPercentage"] == environment.settings.serving.data_capture_percent
    assert capture["DestinationS3Uri"] == f"s3://{artifacts}/captures"
    assert capture["KmsKeyId"] == environment.key_arn
    assert [one["CaptureMode"] for one in capture["CaptureOptions"]] == ["Input", "Output"]
    # In Base64 nobody can search them.
    assert capture["CaptureContentTypeHeader"] == {
        "JsonContentTypes": ["application/json", "application/jsonlines"],
        "CsvContentTypes": ["text/csv"],
    }


def test_nothing_is_captured_unless_the_settings_say_so(environments: dict[str, Environment]) -> None:
    assert "DataCaptureConfig" not in config(environments["dev"])
