from __future__ import annotations

import pytest

from tests.stacks.evaluated import request
from tests.stacks.resolved import Environment

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


@every_environment
def test_the_champion_parameter_never_changes_after_its_creation(
    environments: dict[str, Environment], name: str
) -> None:
    """A tag or a description that changed later would update it, and put `none` back in its place."""
    parameter = environments[name].templates["training"].only("AWS::SSM::Parameter")
    assert parameter["Properties"] == {"Name": f"/nunchi/{name}/champion", "Type": "String", "Value": "none"}


@every_environment
def test_the_model_package_group_outlives_its_stack(environments: dict[str, Environment], name: str) -> None:
    """A group with packages cannot be deleted: destroying the stack would fail half-way."""
    group = environments[name].templates["training"].only("AWS::SageMaker::ModelPackageGroup")
    assert group["DeletionPolicy"] == "Retain"


@every_environment
def test_the_model_package_groups_name_is_the_stacks_own(
    environments: dict[str, Environment], name: str
) -> None:
    """With a constant name the group that outlived a stack would block the next one."""
    training = environments[name].templates["training"]
    group = training.only("AWS::SageMaker::ModelPackageGroup")
    assert "AWS::StackId" in str(group["Properties"]["ModelPackageGroupName"])
    uuid = training.stack_id.rpartition("/")[2]
    resolved = environments[name].properties("training", "AWS::SageMaker::ModelPackageGroup")
    assert resolved["ModelPackageGroupName"] == f"nunchi-{name}-{uuid.partition('-')[0]}"


@every_environment
@pytest.mark.parametrize("state", ["Register", "RegisterRejected"])
def test_a_package_says_which_formats_it_reads_and_writes(
    environments: dict[str, Environment], name: str, state: str
) -> None:
    asks = request(
        environments[name], "retrain", state, evaluation={"accuracy": 0.9}, servedBy="PyTorch", reason=""
    )
    specification = asks["InferenceSpecification"]
    answered = ["application/json", "application/jsonlines", "text/csv"]
    assert specification["SupportedContentTypes"] == [*answered, "text/plain"]
    assert specification["SupportedResponseMIMETypes"] == answered
