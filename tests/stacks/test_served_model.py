from __future__ import annotations

import re
from typing import Any

import pytest

from stacks.images import find
from tests.stacks.conftest import HUB
from tests.stacks.evaluated import request
from tests.stacks.resolved import REGION, Environment, Json


def model(environment: Environment) -> Json:
    return environment.properties("serving", "AWS::SageMaker::Model")


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_the_model_is_the_champions_package(environments: dict[str, Environment], name: str) -> None:
    package = environments[name].package_arn()
    assert model(environments[name])["PrimaryContainer"] == {"ModelPackageName": package}


def test_with_a_model_of_the_hub_the_champion_still_comes_first(variants: dict[str, Environment]) -> None:
    hub = variants["hub"]
    assert model(hub)["PrimaryContainer"] == {"ModelPackageName": hub.package_arn()}


def test_while_there_is_no_champion_the_model_comes_from_the_hub_at_its_pinned_commit(
    variants: dict[str, Environment],
) -> None:
    """A branch can change behind one's back, and what answers with it."""
    assert model(variants["hub"].without_champion())["PrimaryContainer"] == {
        "Image": find("4.49.0", "inference", "cpu").uri(REGION),
        "Environment": {
            "HF_MODEL_ID": HUB["model_id"],
            "HF_MODEL_REVISION": HUB["revision"],
            "HF_TASK": "text-classification",
        },
    }


def all_of(environment: Environment, kind: str) -> set[str]:
    return {logical_id for _, logical_id, _ in environment.of_type(f"AWS::SageMaker::{kind}")}


def test_with_a_model_of_the_hub_every_way_of_serving_is_there_from_day_one(
    variants: dict[str, Environment],
) -> None:
    for kind in ("Endpoint", "EndpointConfig"):
        assert all_of(variants["hub"], kind) == all_of(variants["hub"].without_champion(), kind) != set()


def test_prods_model_serves_from_the_network_and_cannot_leave_its_container(
    environments: dict[str, Environment],
) -> None:
    prod = environments["prod"]
    assert model(prod)["EnableNetworkIsolation"] is True
    assert model(prod)["VpcConfig"] == request(prod, "train", "Train")["VpcConfig"]


@pytest.mark.parametrize("name", ["hub", "dev"])
def test_a_model_of_the_hub_or_of_a_serverless_endpoint_is_not_isolated(
    environments: dict[str, Environment], variants: dict[str, Environment], name: str
) -> None:
    """One could not fetch its weights, SageMaker refuses the other."""
    found = model({**environments, **variants}[name])
    assert not found.get("EnableNetworkIsolation")
    assert "VpcConfig" not in found


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_the_model_runs_as_the_role_of_serving(environments: dict[str, Environment], name: str) -> None:
    environment = environments[name]
    (role,) = (
        logical_id
        for _, logical_id, properties in environment.of_type("AWS::IAM::Role")
        if properties["Description"].endswith(": serve")
    )
    assert model(environment)["ExecutionRoleArn"] == environment.arn("training", role)


def registered(environment: Environment) -> Any:
    state = environment.machines["retrain"]["States"]["Register"]["Arguments"]
    (container,) = state["InferenceSpecification"]["Containers"]
    return container["Image"]


@pytest.mark.parametrize(
    ("name", "processor", "tag"),
    [("prod", "cpu", "-cpu-py312-ubuntu"), ("gpu", "gpu", "-gpu-py312-cu124-ubuntu")],
)
def test_a_package_is_registered_with_the_image_of_what_serves_it(
    environments: dict[str, Environment],
    variants: dict[str, Environment],
    name: str,
    processor: str,
    tag: str,
) -> None:
    """A CPU image on a GPU instance pays for what nothing uses; a GPU image without one does not start."""
    image = registered({**environments, **variants}[name])
    assert re.search(rf":[\d.]+-transformers4\.49\.0{tag}", image), processor
