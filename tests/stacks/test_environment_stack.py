"""What holds for every stack of every environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from stacks.images import REGIONS
from tests.stacks.resolved import Environment, Json, Template

PARTS = {
    "dev": ["monitoring", "serving", "storage", "training"],
    "staging": ["monitoring", "serving", "storage", "training"],
    "prod": ["monitoring", "network", "serving", "storage", "training"],
}
every_environment = pytest.mark.parametrize("name", PARTS)

TAKES_NO_TAGS = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::IAM::ManagedPolicy",
    "AWS::KMS::Alias",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}
"""The types for which CloudFormation knows no tags; any other has them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/introduction.html
"""
# An update of the champion parameter would put `none` back: tests/stacks/test_champion.py.
UNTAGGED = {"AWS::SSM::Parameter"}


def resources(environment: Environment) -> Iterator[tuple[Template, str, Json]]:
    for template in environment.templates.values():
        for logical_id, resource in template.resources.items():
            yield template, logical_id, resource


@every_environment
def test_an_environment_has_its_stacks(environments: dict[str, Environment], name: str) -> None:
    assert list(environments[name].templates) == PARTS[name]


@every_environment
def test_everything_that_takes_tags_carries_the_environments(
    environments: dict[str, Environment], name: str
) -> None:
    """What carries none is on nobody's bill, and nobody is asked before it is deleted."""
    tags = environments[name].settings.tags
    assert set(tags) == {"application", "environment", "owner", "cost-centre"}
    wrong = []
    for template, logical_id, resource in resources(environments[name]):
        if resource["Type"] not in TAKES_NO_TAGS | UNTAGGED:
            properties = resource["Properties"]
            given = properties.get("ResourceTags", properties.get("Tags", []))
            if isinstance(given, list):
                given = {tag["Key"]: tag["Value"] for tag in given}
            if given != tags:
                wrong.append((template.name, logical_id, resource["Type"]))
    assert wrong == []


@every_environment
def test_every_log_group_ends_somewhere_and_has_the_key(
    environments: dict[str, Environment], name: str
) -> None:
    """Logs that are kept for ever cost for ever, and what people wrote stands in them."""
    environment = environments[name]
    groups = [properties for _, _, properties in environment.of_type("AWS::Logs::LogGroup")]
    assert groups
    for group in groups:
        assert group["RetentionInDays"] == environment.settings.logs.retention_days, group["LogGroupName"]
        assert group["KmsKeyId"] == environment.key_arn, group["LogGroupName"]


@every_environment
def test_the_key_lets_every_log_group_use_it(environments: dict[str, Environment], name: str) -> None:
    """CloudWatch Logs refuses to make a group whose key does not know it: the deployment fails."""
    environment = environments[name]
    (logs,) = (
        one
        for one in environment.properties("storage", "AWS::KMS::Key")["KeyPolicy"]["Statement"]
        if one["Sid"] == "LogGroups"
    )
    patterns = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    for part, logical_id, _ in environment.of_type("AWS::Logs::LogGroup"):
        arn = environment.arn(part, logical_id)
        assert any(fnmatchcase(arn, pattern) for pattern in patterns), arn


@every_environment
def test_a_stack_says_what_it_is(environments: dict[str, Environment], name: str) -> None:
    """It is all that the console shows of a stack in a list of a hundred."""
    for part, template in environments[name].templates.items():
        assert template.body["Description"].startswith(f"Nunchi {name}: "), part


def test_a_stack_without_a_region_is_refused_where_no_image_is_known(
    environments: dict[str, Environment],
) -> None:
    """The jobs would fail on an image that is not there, after the deployment."""
    for template in environments["dev"].templates.values():
        (assertion,) = template.body["Rules"]["RegionHasImages"]["Assertions"]
        assert assertion["Assert"] == {"Fn::Contains": [sorted(REGIONS), {"Ref": "AWS::Region"}]}


def test_a_stack_with_a_region_asks_for_none(environments: dict[str, Environment]) -> None:
    for template in environments["prod"].templates.values():
        assert "RegionHasImages" not in template.body["Rules"]


@every_environment
def test_stacks_are_deployed_after_those_that_they_import_from(
    assembly: Path, environments: dict[str, Environment], name: str
) -> None:
    """`cdk deploy` of one alone, or in another order, would fail at the first import."""
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    exporters = {
        export: environments[name].templates[part].name
        for export, (part, _) in environments[name].exports.items()
    }
    for template in environments[name].templates.values():
        text = json.dumps(template.body)
        imported = {stack for export, stack in exporters.items() if f'"Fn::ImportValue": "{export}"' in text}
        assert imported <= set(artifacts[template.name]["dependencies"]), template.name


@every_environment
def test_everything_exported_is_imported(environments: dict[str, Environment], name: str) -> None:
    """An export cannot change while it is there: each one less is one deployment that cannot get stuck."""
    text = json.dumps([template.body for template in environments[name].templates.values()])
    idle = [export for export in environments[name].exports if f'"Fn::ImportValue": "{export}"' not in text]
    assert idle == []
