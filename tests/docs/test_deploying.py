"""`docs/deploying.md` asks for what the environments need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stacks.resolved import Environment

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_every_instance_type_has_its_quota(environments: dict[str, Environment], name: str) -> None:
    settings = environments[name].settings
    training, serving = settings.training, settings.serving
    quotas = [
        f"{training.instance_type} for {'spot ' if training.spot else ''}training job usage",
        f"{settings.processing.instance_type} for processing job usage",
    ]
    if serving.realtime:
        quotas.append(f"{serving.realtime.instance_type} for endpoint usage")
    if serving.batch:
        quotas.append(f"{serving.batch.instance_type} for transform job usage")
    assert [quota for quota in quotas if f"| `{quota}` |" not in PAGE] == []


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_an_endpoints_quota_holds_its_successor_too(environments: dict[str, Environment], name: str) -> None:
    realtime = environments[name].settings.serving.realtime
    assert realtime
    (row,) = re.findall(rf"^\| `{realtime.instance_type} for endpoint usage` .*$", PAGE, re.MULTILINE)
    assert str(2 * realtime.max_instances) in re.findall(r"\d+", row.rpartition(" | ")[2])


def test_who_deploys_may_assume_the_roles_that_the_stacks_deploy_with(assembly: Path) -> None:
    files = "".join(path.read_text(encoding="utf-8") for path in assembly.glob("*.json"))
    used, granted = (set(re.findall(r"role/(cdk-[\w-]+-role)-", text)) for text in (files, PAGE))
    # CloudFormation alone assumes the role that it makes things as.
    assert used == granted | {"cdk-hnb659fds-cfn-exec-role"}
