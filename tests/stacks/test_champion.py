from __future__ import annotations

from aws_cdk.assertions import Template


def test_the_champion_parameter_never_changes_after_its_creation(templates: dict[str, Template]) -> None:
    """A tag or a description that changed later would update it, and put `none` back in its place."""
    (parameter,) = templates["training"].find_resources("AWS::SSM::Parameter").values()
    assert parameter["Properties"] == {"Name": "/nunchi/dev/champion", "Type": "String", "Value": "none"}


def test_the_model_package_group_outlives_its_stack(templates: dict[str, Template]) -> None:
    """A group with packages cannot be deleted: destroying the stack would fail half-way."""
    (group,) = templates["training"].find_resources("AWS::SageMaker::ModelPackageGroup").values()
    assert group["DeletionPolicy"] == "Retain"


def test_the_model_package_groups_name_is_the_stacks_own(templates: dict[str, Template]) -> None:
    """With a constant name the group that outlived a stack would block the next one."""
    (group,) = templates["training"].find_resources("AWS::SageMaker::ModelPackageGroup").values()
    assert "AWS::StackId" in str(group["Properties"]["ModelPackageGroupName"])
