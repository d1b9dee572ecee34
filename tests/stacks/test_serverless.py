from __future__ import annotations

from tests.stacks.resolved import Environment, Json


def config(environment: Environment) -> Json:
    """Its configuration, the one whose variant has no instances."""
    (found,) = (
        properties
        for _, _, properties in environment.of_type("AWS::SageMaker::EndpointConfig")
        if "ServerlessConfig" in properties["ProductionVariants"][0]
    )
    return found


def variant(environment: Environment) -> Json:
    (found,) = config(environment)["ProductionVariants"]
    assert isinstance(found, dict)
    return found


def test_memory_and_concurrency_are_the_settings(environments: dict[str, Environment]) -> None:
    assert variant(environments["dev"])["ServerlessConfig"] == {"MemorySizeInMB": 3072, "MaxConcurrency": 5}


def test_a_serverless_variant_has_no_instances(environments: dict[str, Environment]) -> None:
    """SageMaker refuses a variant that has both."""
    assert variant(environments["dev"]).keys().isdisjoint({"InstanceType", "InitialInstanceCount"})


def test_a_serverless_endpoint_has_nothing_that_sagemaker_refuses_for_it(
    environments: dict[str, Environment],
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html#serverless-endpoints-how-it-works-exclusions"""
    assert config(environments["dev"]).keys().isdisjoint({"DataCaptureConfig", "VpcConfig"})
    (endpoint,) = (
        properties
        for _, _, properties in environments["dev"].of_type("AWS::SageMaker::Endpoint")
        if properties["EndpointName"] == "nunchi-dev-serverless"
    )
    assert "DeploymentConfig" not in endpoint


def test_what_never_starts_cold_scales_within_its_limits(variants: dict[str, Environment]) -> None:
    warm = variants["warm"]
    assert variant(warm)["ServerlessConfig"] == {
        "MemorySizeInMB": 2048,
        "MaxConcurrency": 20,
        "ProvisionedConcurrency": 2,
    }
    target = warm.properties("serving", "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 8)
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    assert target["ResourceId"] == "endpoint/nunchi-warm-serverless/variant/champion"
    policy = warm.properties("serving", "AWS::ApplicationAutoScaling::ScalingPolicy")
    (metric,) = policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"].values()
    assert metric == "SageMakerVariantProvisionedConcurrencyUtilization"


def test_a_new_model_keeps_the_concurrency_that_scaling_chose(variants: dict[str, Environment]) -> None:
    endpoint = variants["warm"].properties("serving", "AWS::SageMaker::Endpoint")
    assert endpoint["RetainAllVariantProperties"] is True
