"""What both kinds of endpoint have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stacks.resolved import Environment, Json

NAMES = [("dev", "nunchi-dev"), ("dev", "nunchi-dev-serverless"), ("prod", "nunchi-prod")]
every_endpoint = pytest.mark.parametrize(("environment", "name"), NAMES)


def endpoints(environment: Environment) -> Iterator[tuple[Json, Json]]:
    """Each endpoint as the template has it, and resolved."""
    for _, logical_id, properties in environment.of_type("AWS::SageMaker::Endpoint"):
        yield environment.templates["serving"].resources[logical_id], properties


@every_endpoint
def test_an_endpoint_has_one_name_for_its_callers(
    environments: dict[str, Environment], environment: str, name: str
) -> None:
    names = [properties["EndpointName"] for _, properties in endpoints(environments[environment])]
    assert names.count(name) == 1


@every_endpoint
def test_the_endpoints_log_group_outlives_the_endpoint(
    environments: dict[str, Environment], environment: str, name: str
) -> None:
    """Deleted first, it would come back with the endpoint's last line, and block the next deployment."""
    (endpoint,) = (one for one, made in endpoints(environments[environment]) if made["EndpointName"] == name)
    groups = environments[environment].templates["serving"].of_type("AWS::Logs::LogGroup")
    (group,) = (
        logical_id
        for logical_id, one in groups.items()
        if one["Properties"]["LogGroupName"] == f"/aws/sagemaker/Endpoints/{name}"
    )
    assert group in endpoint["DependsOn"]


@every_endpoint
def test_an_endpoint_serves_one_variant_with_all_of_the_traffic(
    environments: dict[str, Environment], environment: str, name: str
) -> None:
    """Dashboard, alarms and scaling look at the variant by its name."""
    configs = environments[environment].of_type("AWS::SageMaker::EndpointConfig")
    variants = [variant for _, _, config in configs for variant in config["ProductionVariants"]]
    assert {(one["VariantName"], one["InitialVariantWeight"]) for one in variants} == {("champion", 1)}
    assert len(variants) == len(list(endpoints(environments[environment]))), name


def test_what_scales_is_there_before_it_is_scaled(environments: dict[str, Environment]) -> None:
    """Application Auto Scaling refuses to scale an endpoint that is not there yet."""
    template = environments["prod"].templates["serving"]
    (endpoint,) = template.of_type("AWS::SageMaker::Endpoint")
    assert template.only("AWS::ApplicationAutoScaling::ScalableTarget")["DependsOn"] == [endpoint]
