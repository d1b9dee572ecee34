"""The serving stack as a whole: what is there by configuration, and what a new champion does to it."""

from __future__ import annotations

import pytest

from tests.stacks.resolved import Environment

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


def endpoints(environment: Environment) -> list[str]:
    return [
        properties["EndpointName"] for _, _, properties in environment.of_type("AWS::SageMaker::Endpoint")
    ]


def batches(environment: Environment) -> list[str]:
    template = environment.templates["serving"]
    machines = template.of_type("AWS::StepFunctions::StateMachine").values()
    return [machine["Properties"]["StateMachineName"] for machine in machines]


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("dev", ["nunchi-dev", "nunchi-dev-serverless"]),
        ("staging", ["nunchi-staging"]),
        ("prod", ["nunchi-prod"]),
        ("batch", []),
        ("bare", []),
        ("warm", ["nunchi-warm-serverless"]),
    ],
)
def test_each_endpoint_is_there_when_its_settings_are(
    environments: dict[str, Environment], variants: dict[str, Environment], name: str, served: list[str]
) -> None:
    assert endpoints({**environments, **variants}[name]) == served


@pytest.mark.parametrize(
    ("name", "machines"),
    [("prod", ["nunchi-prod-transform"]), ("batch", ["nunchi-batch-transform"]), ("bare", [])],
)
def test_the_batch_transform_is_there_when_its_settings_are(
    environments: dict[str, Environment], variants: dict[str, Environment], name: str, machines: list[str]
) -> None:
    assert batches({**environments, **variants}[name]) == machines


@every_environment
def test_the_champion_is_read_from_its_parameter_at_every_update(
    environments: dict[str, Environment], name: str
) -> None:
    parameter = environments[name].templates["serving"].body["Parameters"]["Champion"]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert parameter["Default"] == f"/nunchi/{name}/champion"


@every_environment
def test_nothing_serves_while_there_is_no_champion(environments: dict[str, Environment], name: str) -> None:
    """The first deployment would fail: a model of the package `none` cannot be made."""
    conditions = {
        (resource["Type"], resource.get("Condition"))
        for resource in environments[name].templates["serving"].resources.values()
        if resource["Type"].startswith(("AWS::SageMaker::", "AWS::ApplicationAutoScaling::"))
        or resource["Type"] == "AWS::StepFunctions::StateMachine"
    }
    assert {condition for _, condition in conditions} == {"HasChampion"}


@every_environment
@pytest.mark.parametrize("has_champion", [True, False])
def test_the_condition_is_whether_the_parameter_names_a_package(
    environments: dict[str, Environment], name: str, has_champion: bool
) -> None:
    environment = environments[name] if has_champion else environments[name].without_champion()
    condition = environment.templates["serving"].body["Conditions"]["HasChampion"]
    assert environment.resolve("serving", condition) is has_champion


@every_environment
@pytest.mark.parametrize(
    ("kind", "name_property"),
    [("AWS::SageMaker::Model", "ModelName"), ("AWS::SageMaker::EndpointConfig", "EndpointConfigName")],
)
def test_what_a_new_champion_replaces_has_no_physical_name(
    environments: dict[str, Environment], name: str, kind: str, name_property: str
) -> None:
    """CloudFormation refuses to replace a resource with a physical name: promotion would fail."""
    found = environments[name].templates["serving"].of_type(kind).values()
    assert [resource for resource in found if name_property in resource["Properties"]] == []


@every_environment
def test_all_ways_of_serving_have_the_one_model(environments: dict[str, Environment], name: str) -> None:
    """They switch together or not at all: of two models one could fail to come up."""
    environment = environments[name]
    (model,) = environment.templates["serving"].of_type("AWS::SageMaker::Model")
    names = {
        variant["ModelName"]
        for _, _, config in environment.of_type("AWS::SageMaker::EndpointConfig")
        for variant in config["ProductionVariants"]
    }
    names.add(environment.machines["transform"]["States"]["Transform"]["Arguments"]["ModelName"])
    assert names == {environment.physical_name("serving", model)}
