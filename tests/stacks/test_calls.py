"""Each call that a workflow makes is allowed to its role, and nothing is allowed that it never calls.

Read from the synthesised template: a permission that is missing fails at 03:00, one too many is never seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.stacks.resolved import resolve

Call = tuple[str, str]
"""An IAM action, and the ARN of the resource that it is called on."""


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:ap-northeast-2:123456789012:{resource}"


def built(value: str) -> str:
    """What a JSONata string becomes when each variable in it is x."""
    return re.sub(r"\$\w+", "x", value.strip("{%} ")).replace("'", "").replace(" & ", "")


def pascal(action: str) -> str:
    return action[0].upper() + action[1:]


def managed_rule(name: str) -> Iterator[Call]:
    for action in ("DescribeRule", "PutRule", "PutTargets"):
        yield f"events:{action}", arn("events", f"rule/StepFunctionsGetEventsFor{name}Rule")


def calls(state: dict[str, Any]) -> Iterator[Call]:
    """What a task calls, by the documentation of its integration."""
    integration, asks = state["Resource"].removeprefix("arn:aws:states:::"), state["Arguments"]
    service, _, action = integration.removeprefix("aws-sdk:").partition(":")
    if job := re.fullmatch(r"create(Training|Processing)Job\.sync", action):
        kind = job.group(1)
        name = built(asks[f"{kind}JobName"])
        for verb in (f"Create{kind}Job", f"Describe{kind}Job", f"Stop{kind}Job", "AddTags", "ListTags"):
            yield f"sagemaker:{verb}", arn("sagemaker", f"{kind.lower()}-job/{name}")
        yield "iam:PassRole", asks["RoleArn"]
        yield from managed_rule(f"SageMaker{kind}Jobs")
    elif integration == "states:startExecution.sync:2":
        machine = asks["StateMachineArn"]
        yield "states:StartExecution", machine
        for verb in ("DescribeExecution", "StopExecution"):
            yield f"states:{verb}", machine.replace("stateMachine", "execution") + ":x"
        yield from managed_rule("StepFunctionsExecution")
    elif service == "sns":
        yield "sns:Publish", asks["TopicArn"]
    elif service == "ssm":
        yield f"ssm:{pascal(action)}", arn("ssm", f"parameter{asks['Name']}")
    elif service == "s3":
        yield f"s3:{pascal(action)}", f"arn:aws:s3:::{asks['Bucket']}/{built(asks['Key'])}"
    elif action == "createModelPackage":
        group = asks["ModelPackageGroupName"]
        yield "sagemaker:CreateModelPackage", arn("sagemaker", f"model-package-group/{group}")
        yield "sagemaker:CreateModelPackage", arn("sagemaker", f"model-package/{group}/1")
        (container,) = asks["InferenceSpecification"]["Containers"]
        registry, repository = re.split(r"[/:]", container["Image"])[:2]
        for verb in ("BatchGetImage", "DescribeImages"):
            yield (
                f"ecr:{verb}",
                f"arn:aws:ecr:ap-northeast-2:{registry.split('.')[0]}:repository/{repository}",
            )
        yield "s3:GetObject", "arn:aws:s3:::nunchi-dev-artifacts/models/x/model.tar.gz"
        metrics = asks["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
        yield "s3:GetObject", built(metrics).replace("s3://", "arn:aws:s3:::")
    elif action in ("describeModelPackage", "updateModelPackage"):
        yield f"sagemaker:{pascal(action)}", arn("sagemaker", "model-package/nunchi-dev-0a1b2c3d/1")
    elif service == "cloudformation":
        yield f"cloudformation:{pascal(action)}", arn("cloudformation", f"stack/{asks['StackName']}/x")
        if action == "updateStack":
            # CloudFormation reads the template's parameters for whoever asks for the update.
            for parameter in ("nunchi/dev/champion", "cdk-bootstrap/hnb659fds/version"):
                yield "ssm:GetParameters", arn("ssm", f"parameter/{parameter}")
    else:
        raise AssertionError(f"this test does not know what {integration} needs")


@pytest.fixture(scope="session")
def resources(templates: dict[str, Template]) -> dict[str, Any]:
    found: dict[str, Any] = dict(templates["training"].to_json()["Resources"])
    return found


def needed(resources: dict[str, Any], machine: str) -> set[Call]:
    """All that the tasks of a state machine call."""
    (properties,) = (
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
        and resource["Properties"]["StateMachineName"] == f"nunchi-dev-{machine}"
    )
    states = json.loads(resolve(properties["DefinitionString"], resources))["States"].values()
    return {call for state in states if state["Type"] == "Task" for call in calls(state)}


def allowed(resources: dict[str, Any], machine: str) -> set[Call]:
    """All that its role allows, but for logs and tracing, which no state asks for."""
    found = set()
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Policy" and name.startswith(f"{machine.capitalize()}Workflow"):
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                for action in (
                    [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
                ):
                    on = resolve(statement["Resource"], resources)
                    found |= {(action, one) for one in ([on] if isinstance(on, str) else on)}
    return {call for call in found if not call[0].startswith(("logs:", "xray:"))}


def covers(permission: Call, call: Call) -> bool:
    return permission[0] == call[0] and fnmatchcase(call[1], permission[1])


@pytest.mark.parametrize("machine", ["retrain", "promote"])
def test_every_call_of_a_workflow_is_allowed(resources: dict[str, Any], machine: str) -> None:
    permissions = allowed(resources, machine)
    missing = [
        call for call in needed(resources, machine) if not any(covers(one, call) for one in permissions)
    ]
    assert missing == []


@pytest.mark.parametrize("machine", ["retrain", "promote"])
def test_nothing_is_allowed_that_a_workflow_never_calls(resources: dict[str, Any], machine: str) -> None:
    made = needed(resources, machine)
    idle = [one for one in allowed(resources, machine) if not any(covers(one, call) for call in made)]
    assert idle == []
