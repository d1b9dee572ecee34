"""No environment can name what is another's, though they may share an account and a region.

What each one has, its workflows' jobs, executions and logs included, is held against every statement and
every string of each other one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import permutations
from typing import Any

import pytest

from stacks import prefixes
from tests.stacks.policies import identity_statements, roles
from tests.stacks.resolved import ACCOUNT, REGION, Environment

PAIRS = list(permutations(("dev", "staging", "prod"), 2))
# The name of one begins as the other's does.
ALIKE = [("dev", "dev2"), ("dev2", "dev"), ("prod", "prod2"), ("prod2", "prod")]


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


_SAGEMAKER_LOGS = "SageMaker has one log group an account for the jobs of a kind; no log in it is written"
SHARED = {
    arn("logs", "log-group:/aws/sagemaker/ProcessingJobs:*"): _SAGEMAKER_LOGS,
    arn("logs", "log-group:/aws/sagemaker/TrainingJobs:*"): _SAGEMAKER_LOGS,
    arn("logs", "log-group:/aws/sagemaker/TransformJobs:*"): _SAGEMAKER_LOGS,
    arn("ec2", "network-interface/*"): "the VPC or the subnets of the environment are named beside it",
}
"""What one environment allows although it may be another's, each with the reason."""


@pytest.fixture
def both(
    environments: dict[str, Environment], variants: dict[str, Environment], one: str, other: str
) -> tuple[Environment, Environment]:
    known = {**variants, **environments}
    return known[one], known[other]


each_pair = pytest.mark.parametrize(("one", "other"), PAIRS + ALIKE)


def belongings(environment: Environment) -> set[str]:
    """The ARN of everything that is an environment's."""
    name, run = environment.settings.name, "0f5b7c1e-5d4c-4a0e-9a53-1d2f3a4b5c6d"
    found = set(environment.arns())
    for own in environment.arns():
        if own.startswith("arn:aws:s3:::"):
            folders = ("reviews", *vars(prefixes).values())
            found |= {f"{own}/{folder}/{run}/file" for folder in folders if isinstance(folder, str)}
        if ":log-group:" in own:
            found |= {f"{own}:*", f"{own}:log-stream:{run}"}
        if ":stateMachine:" in own:
            found.add(own.replace(":stateMachine:", ":execution:") + f":{run}")
    for kind, step, group in (
        ("processing", "prepare", "ProcessingJobs"),
        ("training", "train", "TrainingJobs"),
        ("processing", "optimise", "ProcessingJobs"),
        ("processing", "evaluate", "ProcessingJobs"),
        ("transform", "transform", "TransformJobs"),
    ):
        job = f"{name(step)}-{run}"
        found.add(arn("sagemaker", f"{kind}-job/{job}"))
        found.add(arn("logs", f"log-group:/aws/sagemaker/{group}:log-stream:{job}/algo-1"))
    found |= {template.stack_id for template in environment.templates.values()}
    return found | {environment.package_arn(), arn("ec2", "network-interface/eni-0a1b2c3d")}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def texts(environment: Environment) -> Iterator[str]:
    """Every string of every template, with the resources' names in place of references."""
    for part, template in environment.templates.items():
        resolvable = {key: value for key, value in template.body.items() if key != "Rules"}
        for section in resolvable.values():
            yield from strings(environment.resolve(part, section))


@each_pair
def test_no_role_is_allowed_what_is_another_environments(both: tuple[Environment, Environment]) -> None:
    """A wildcard that is one character too short lets dev stop a training job of prod."""
    one, other = both
    theirs = belongings(other)
    allowed = {
        (role, pattern): [arn for arn in theirs if fnmatchcase(arn, pattern)]
        for role, statement in identity_statements(one)
        for pattern in statement.resources
        if pattern != "*" and pattern not in SHARED
    }
    assert {key: value for key, value in allowed.items() if value} == {}


@each_pair
def test_no_pattern_in_any_template_matches_what_is_another_environments(
    both: tuple[Environment, Environment],
) -> None:
    """Beside the roles': the conditions of the key, the policies of buckets and endpoints."""
    one, other = both
    patterns = {text for text in texts(one) if text.startswith("arn:") and "*" in text and text not in SHARED}
    theirs = belongings(other)
    assert {(pattern, arn) for pattern in patterns for arn in theirs if fnmatchcase(arn, pattern)} == set()


@each_pair
def test_no_string_in_any_template_names_another_environment(both: tuple[Environment, Environment]) -> None:
    """A state machine that starts prod's, an alarm that watches prod's endpoint, an import of prod's."""
    one, other = both
    words = [
        rf"nunchi[-/]{other.name}",
        # What CloudFormation names itself, without the environment in it.
        *(re.escape(re.split("[:/]", own)[-1]) for own in other.arns() if "nunchi" not in own),
    ]
    named = re.compile(rf"(?<![a-z0-9])({'|'.join(words)})(?![a-z0-9])")
    assert [text for text in texts(one) if named.search(text)] == []


@each_pair
def test_no_two_environments_have_a_resource_of_one_name(both: tuple[Environment, Environment]) -> None:
    """The second one to be deployed to an account would fail, or take over what is the first's."""
    one, other = both
    assert one.arns() & other.arns() == set()


@each_pair
def test_no_two_environments_export_under_one_name(both: tuple[Environment, Environment]) -> None:
    one, other = both
    assert one.exports.keys() & other.exports.keys() == set()


@each_pair
def test_what_every_environment_shares_gives_no_way_to_anothers_logs(
    both: tuple[Environment, Environment],
) -> None:
    one, _ = both
    allowed = {
        action
        for _, statement in identity_statements(one)
        for resource in statement.resources
        if resource.startswith("arn:aws:logs:") and resource in SHARED
        for action in statement.actions
    }
    assert allowed == {
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutRetentionPolicy",
    }


@each_pair
def test_network_interfaces_are_made_and_deleted_in_the_environments_own_vpc(
    both: tuple[Environment, Environment],
) -> None:
    one, _ = both
    for role, statement in identity_statements(one):
        if any(":network-interface/" in resource for resource in statement.resources):
            beside = json.dumps(statement.resources) + json.dumps(statement.conditions)
            assert ":subnet/" in beside or "ec2:Vpc" in beside, role


@each_pair
def test_no_environment_writes_anothers_metrics(both: tuple[Environment, Environment]) -> None:
    """A gate's metrics that dev can write are no proof of what prod's gate saw."""
    one, other = (
        {
            namespace
            for statement in roles(environment)["the retrain workflow"].statements
            if "cloudwatch:PutMetricData" in statement.actions
            for namespace in [statement.conditions["StringEquals"]["cloudwatch:namespace"]]
        }
        for environment in both
    )
    assert one & other == set()


@each_pair
def test_no_environment_says_how_long_anothers_logs_are_kept(both: tuple[Environment, Environment]) -> None:
    """The jobs' log groups are every environment's: the last one to set a shorter time deletes the rest."""
    one, other = (
        {
            (state["Arguments"]["LogGroupName"], state["Arguments"]["RetentionInDays"])
            for machine in environment.machines.values()
            for state in machine["States"].values()
            if state.get("Resource", "").endswith(":putRetentionPolicy")
        }
        for environment in both
    )
    assert one == other
