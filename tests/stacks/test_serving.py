from __future__ import annotations

import pytest
from aws_cdk.assertions import Template


def test_the_champion_is_read_from_its_parameter_at_every_update(templates: dict[str, Template]) -> None:
    parameter = templates["serving"].to_json()["Parameters"]["Champion"]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert parameter["Default"] == "/nunchi/dev/champion"


@pytest.mark.parametrize(
    ("resource", "name"),
    [("AWS::SageMaker::Model", "ModelName"), ("AWS::SageMaker::EndpointConfig", "EndpointConfigName")],
)
def test_what_a_new_champion_replaces_has_no_physical_name(
    templates: dict[str, Template], resource: str, name: str
) -> None:
    """CloudFormation refuses to replace a resource with a physical name: promotion would fail."""
    (found,) = templates["serving"].find_resources(resource).values()
    assert name not in found["Properties"]


def test_there_is_no_endpoint_while_there_is_no_champion(templates: dict[str, Template]) -> None:
    template = templates["serving"].to_json()
    conditions = {
        resource["Type"]: resource.get("Condition")
        for resource in template["Resources"].values()
        if resource["Type"].startswith("AWS::SageMaker::")
    }
    assert set(conditions.values()) == {"HasChampion"}
    assert len(conditions) == 3


def test_the_endpoint_keeps_one_name_for_its_callers(templates: dict[str, Template]) -> None:
    templates["serving"].has_resource_properties("AWS::SageMaker::Endpoint", {"EndpointName": "nunchi-dev"})


def test_the_endpoints_log_group_outlives_the_endpoint(templates: dict[str, Template]) -> None:
    """Deleted first, it would come back with the endpoint's last line, and block the next deployment."""
    (endpoint,) = templates["serving"].find_resources("AWS::SageMaker::Endpoint").values()
    (group,) = templates["serving"].find_resources("AWS::Logs::LogGroup")
    assert endpoint["DependsOn"] == [group]
