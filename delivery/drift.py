"""What of an environment is no longer as it was deployed, in Markdown.

    .venv/bin/python -m delivery.drift prod cdk.out

Two comparisons, since neither sees all: CloudFormation compares the resources with the deployed templates
(those types and properties that it can), `cdk diff` the deployed templates with those in the assembly.
Ends with 3 if anything differs, with 1 if it could not be compared.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parent.parent
DRIFTED = 3
_SECONDS_BETWEEN = 5


def drifted_resources(cloudformation: Any, environment: str) -> Iterator[str]:
    """A line for each resource of the environment's stacks that was changed or deleted behind its back.

    Raises:
        SystemExit: there is no stack, or CloudFormation could not compare one.
    """
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    names = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    stacks = sorted(name for name in names if name.startswith(f"nunchi-{environment}-"))
    if not stacks:
        sys.exit(f"no stack nunchi-{environment}-*: was it deployed to this account and region?")
    for stack in stacks:
        _detect(cloudformation, stack)
        for resource in _drifted(cloudformation, stack):
            # A promotion writes the champion: that parameter is the retrain's to change.
            if resource["PhysicalResourceId"] != f"/nunchi/{environment}/champion":
                yield _line(stack, resource)


def _detect(cloudformation: Any, stack: str) -> None:
    detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    while True:
        status = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if status["DetectionStatus"] == "DETECTION_COMPLETE":
            return
        if status["DetectionStatus"] == "DETECTION_FAILED":
            sys.exit(f"{stack}: CloudFormation could not compare it: {status['DetectionStatusReason']}")
        time.sleep(_SECONDS_BETWEEN)


def _drifted(cloudformation: Any, stack: str) -> Iterator[dict[str, Any]]:
    request = {"StackName": stack, "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"]}
    while True:  # botocore has no paginator for it
        page = cloudformation.describe_stack_resource_drifts(**request)
        yield from page["StackResourceDrifts"]
        if "NextToken" not in page:
            return
        request["NextToken"] = page["NextToken"]


def _line(stack: str, resource: dict[str, Any]) -> str:
    what = f"- `{stack}`: {resource['ResourceType']} `{resource['PhysicalResourceId']}`"
    if resource["StackResourceDriftStatus"] == "DELETED":
        return f"{what} was deleted"
    changes = "; ".join(
        f"`{one['PropertyPath']}` is `{one['ActualValue']}`, deployed as `{one['ExpectedValue']}`"
        for one in resource["PropertyDifferences"]
    )
    return f"{what}: {changes}"


def template_differences(environment: str, assembly: Path) -> str:
    """What `cdk diff` says of the deployed templates; empty if they are those of `assembly`.

    Raises:
        SystemExit: it failed.
    """
    # Without a change set, which would take a role that may write.
    command = ["node_modules/.bin/cdk", "diff", "--app", str(assembly.resolve()), f"nunchi-{environment}-*"]
    finished = subprocess.run(
        [*command, "--fail", "--method=template", "--quiet"],
        cwd=ROOT,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    if finished.returncode == 0:
        return ""
    # It ends with 1 for a difference and for an error.
    if "Number of stacks with differences" not in finished.stdout:
        sys.exit(f"{' '.join(command)} failed:\n{finished.stdout}")
    return finished.stdout.strip()


def main() -> None:
    """Compare, and print what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("environment")
    parser.add_argument("assembly", type=Path, help="of the commit that the environment runs")
    arguments = parser.parse_args()
    resources = list(drifted_resources(boto3.client("cloudformation"), arguments.environment))
    templates = template_differences(arguments.environment, arguments.assembly)
    print(f"## {arguments.environment}\n")
    if resources:
        print("Changed or deleted outside CloudFormation:\n", *resources, "", sep="\n")
    if templates:
        print("Templates that are not the repository's:\n", "~~~~", templates, "~~~~", sep="\n")
    if resources or templates:
        sys.exit(DRIFTED)
    print("It is as it was deployed.")


if __name__ == "__main__":
    main()
