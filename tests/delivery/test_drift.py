"""An environment, deployed to the embedded AWS by the workflows' own scripts, and what of it drifts.

The tests share the deployment and run in their order: what one of them changes by hand stays changed. Which
types and properties CloudFormation compares is AWS's to say; the embedded one compares fewer (no alarms).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delivery.drift import drifted_resources, template_differences
from localaws import LocalAws
from tests.end_to_end.deployment import Deployment
from tests.github.workflows import step

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws.start() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout, as the action `cdk` leaves it."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("app.py", "cdk.json", "config", "stacks", "training_code", "inference_code", "delivery"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "build").mkdir()
    return folder


def run(deployment: Deployment, folder: Path, job: str, name: str) -> None:
    """Run a step's script as GitHub runs it."""
    files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    finished = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(job, name)["run"]],
        cwd=folder,
        env={**os.environ, **deployment.aws.env, **files, "NAME": "dev"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stdout


@pytest.fixture(scope="module")
def assembly(folder: Path) -> Path:
    return folder / "cdk.out"


@pytest.fixture(scope="module")
def deployment(aws: LocalAws, folder: Path, assembly: Path) -> Deployment:
    deployed = Deployment(aws, assembly)
    run(deployed, folder, "deploy.plan", "The templates, judged by the rule packs")
    deployed.cdk("bootstrap", "aws://000000000000/ap-northeast-2", "--app", str(assembly))
    run(deployed, folder, "deploy.plan", "For whoever approves")
    run(deployed, folder, "deploy.deploy", "Deploy")
    return deployed


@pytest.fixture
def cloudformation(deployment: Deployment) -> Any:
    return deployment.aws.client("cloudformation")


def drift(
    deployment: Deployment, assembly: Path, environment: str = "dev"
) -> subprocess.CompletedProcess[str]:
    """What the nightly workflow runs."""
    return subprocess.run(
        [sys.executable, "-m", "delivery.drift", environment, str(assembly)],
        cwd=ROOT,
        env={**os.environ, **deployment.aws.env},
        capture_output=True,
        encoding="utf-8",
    )


def test_whoever_approves_sees_what_will_be_added(deployment: Deployment, folder: Path) -> None:
    summary = (folder / "summary").read_text(encoding="utf-8")
    assert summary.startswith("## dev\n~~~~\n")
    assert "[+] AWS::S3::Bucket Data" in summary


def test_an_environment_is_as_it_was_deployed(deployment: Deployment, assembly: Path) -> None:
    finished = drift(deployment, assembly)
    assert (finished.returncode, finished.stdout) == (0, "## dev\n\nIt is as it was deployed.\n")


def test_a_promotion_is_no_drift(deployment: Deployment, cloudformation: Any) -> None:
    deployment.aws.client("ssm").put_parameter(
        Name="/nunchi/dev/champion", Value="arn:aws:sagemaker:a-model-package", Overwrite=True
    )
    assert list(drifted_resources(cloudformation, "dev")) == []


def test_a_bucket_that_was_changed_is_named_with_both_values(
    deployment: Deployment, cloudformation: Any
) -> None:
    bucket = deployment.outputs()["DataBucket"]
    deployment.aws.client("s3").put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    assert list(drifted_resources(cloudformation, "dev")) == [
        f"- `nunchi-dev-storage`: AWS::S3::Bucket `{bucket}`: "
        "`/VersioningConfiguration/Status` is `Suspended`, deployed as `Enabled`"
    ]


def test_a_role_that_more_may_assume_is_named(deployment: Deployment, cloudformation: Any) -> None:
    iam = deployment.aws.client("iam")
    (role,) = (
        resource["PhysicalResourceId"]
        for resource in cloudformation.describe_stack_resources(StackName="nunchi-dev-training")[
            "StackResources"
        ]
        if resource["LogicalResourceId"].startswith("JobRolesTrain")
        and resource["ResourceType"] == "AWS::IAM::Role"
    )
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Principal"] = {"AWS": "*"}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    assert any(
        f"AWS::IAM::Role `{role}`: `/AssumeRolePolicyDocument" in line
        for line in drifted_resources(cloudformation, "dev")
    )


def test_a_log_group_that_was_deleted_is_named(deployment: Deployment, cloudformation: Any) -> None:
    group = "/aws/vendedlogs/states/nunchi-dev-retrain"
    deployment.aws.client("logs").delete_log_group(logGroupName=group)
    assert f"- `nunchi-dev-training`: AWS::Logs::LogGroup `{group}` was deleted" in list(
        drifted_resources(cloudformation, "dev")
    )


def test_resources_that_were_changed_are_no_difference_of_templates(
    deployment: Deployment, assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployment.aws.env.items():
        monkeypatch.setenv(name, value)
    assert template_differences("dev", assembly) == ""


def test_an_alarm_that_was_changed_through_its_stack_is_shown(
    deployment: Deployment, cloudformation: Any, assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployment.aws.env.items():
        monkeypatch.setenv(name, value)
    stack = "nunchi-dev-monitoring"
    template = json.loads((assembly / f"{stack}.template.json").read_text(encoding="utf-8"))
    alarm = next(one for one in template["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm")
    alarm["Properties"]["Threshold"] = 4711
    cloudformation.update_stack(
        StackName=stack,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "UsePreviousValue": True} for name in template["Parameters"]],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert "4711" in template_differences("dev", assembly)


def test_the_report_has_what_both_comparisons_see(deployment: Deployment, assembly: Path) -> None:
    finished = drift(deployment, assembly)
    assert finished.returncode == 3
    assert "Changed or deleted outside CloudFormation:\n\n- `nunchi-dev-storage`" in finished.stdout
    assert "Templates that are not the repository's:\n\n~~~~\nStack nunchi-dev-monitoring" in finished.stdout


def test_the_nightly_comparison_hands_the_report_on(deployment: Deployment, folder: Path) -> None:
    run(deployment, folder, "drift.drift", "Compare")
    assert "status=3\n" in (folder / "output").read_text(encoding="utf-8")


def test_an_environment_that_is_not_there_is_an_error_and_no_drift(
    deployment: Deployment, assembly: Path
) -> None:
    finished = drift(deployment, assembly, "prod")
    assert (finished.returncode, finished.stderr) == (
        1,
        "no stack nunchi-prod-*: was it deployed to this account and region?\n",
    )
