"""Each call that a workflow makes is allowed to its role, and nothing is allowed that it never calls.

Read from the synthesised definitions: a permission that is missing fails at 03:00, one too many is
never seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.stacks.policies import Call, Role, roles
from tests.stacks.resolved import ACCOUNT, REGION, Environment, Json

WORKFLOWS = [
    (environment, machine)
    for environment in ("dev", "staging", "prod")
    for machine in ("retrain", "train", "promote", "transform", "notify")
]
WITHOUT_STATE = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""What Step Functions calls for the logs and the traces of every workflow."""


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def built(value: str) -> str:
    """What a JSONata string becomes when each variable in it is x."""
    return re.sub(r"\$\w+", "x", value.strip("{%} ")).replace("'", "").replace(" & ", "")


def pascal(action: str) -> str:
    return action[0].upper() + action[1:]


def managed_rule(name: str) -> Iterator[Call]:
    for action in ("DescribeRule", "PutRule", "PutTargets"):
        yield Call(f"events:{action}", arn("events", f"rule/StepFunctionsGetEventsFor{name}Rule"))


def calls(state: Json, environment: Environment, machine: str) -> Iterator[Call]:
    """What a task of a state machine calls, by the documentation of its integration."""
    integration, asks = state["Resource"].removeprefix("arn:aws:states:::"), state["Arguments"]
    service, _, action = integration.removeprefix("aws-sdk:").partition(":")
    if job := re.fullmatch(r"create(Training|Processing|Transform)Job\.sync", action):
        yield from job_calls(job.group(1), asks)
    elif integration == "states:startExecution.sync:2":
        started = asks["StateMachineArn"]
        yield Call("states:StartExecution", started)
        for verb in ("DescribeExecution", "StopExecution"):
            yield Call(f"states:{verb}", started.replace("stateMachine", "execution") + ":x")
        yield from managed_rule("StepFunctionsExecution")
    elif service == "sns":
        yield Call("sns:Publish", asks["TopicArn"])
        for verb in ("Decrypt", "GenerateDataKey"):
            yield Call(f"kms:{verb}", environment.key_arn)
    elif service == "ssm":
        yield Call(f"ssm:{pascal(action)}", arn("ssm", f"parameter{asks['Name']}"))
    elif action == "listObjectsV2":
        prefix = {"s3:prefix": asks["Prefix"]}
        yield Call("s3:ListBucket", f"arn:aws:s3:::{asks['Bucket']}", prefix)
    elif action == "putObject":
        yield Call("s3:PutObject", f"arn:aws:s3:::{asks['Bucket']}/{built(asks['Key'])}")
        yield Call("kms:GenerateDataKey", environment.key_arn)
    elif service == "s3":
        yield Call(f"s3:{pascal(action)}", f"arn:aws:s3:::{asks['Bucket']}/{built(asks['Key'])}")
        yield Call("kms:Decrypt", environment.key_arn)
    elif service == "cloudwatch":
        yield Call("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": asks["Namespace"]})
    elif service == "cloudwatchlogs":
        yield Call(f"logs:{pascal(action)}", arn("logs", f"log-group:{asks['LogGroupName']}:*"))
    elif service == "cloudformation":
        yield Call(f"cloudformation:{pascal(action)}", arn("cloudformation", f"stack/{asks['StackName']}/x"))
        if action == "updateStack":
            # CloudFormation reads the template's parameters for whoever asks for the update.
            for parameter in environment.templates["serving"].body["Parameters"].values():
                name = parameter["Default"].removeprefix("/")
                yield Call("ssm:GetParameters", arn("ssm", f"parameter/{name}"))
    elif action.startswith("transact"):
        # It is allowed as what it consists of: a Get or a Put each.
        (operation, table) = re.findall(r"'(Get|Put)': {'TableName': '([^']+)'", asks["TransactItems"])[0]
        yield Call(f"dynamodb:{operation}Item", arn("dynamodb", f"table/{table}"))
    elif service == "dynamodb":
        yield Call(f"dynamodb:{pascal(action)}", arn("dynamodb", f"table/{asks['TableName']}"))
    elif service == "sfn":
        # A lock is between executions of one machine; a notification is of any.
        for of in ("retrain", "promote", "transform") if machine == "notify" else (machine,):
            name = environment.settings.name(of)
            yield Call(f"states:{pascal(action)}", arn("states", f"execution:{name}:x"))
    elif action == "createExperiment":
        for verb in ("CreateExperiment", "AddTags"):
            yield Call(f"sagemaker:{verb}", arn("sagemaker", f"experiment/{asks['ExperimentName']}"))
    elif action == "createTrial":
        for on in (f"experiment/{asks['ExperimentName']}", "experiment-trial/x"):
            yield Call("sagemaker:CreateTrial", arn("sagemaker", on))
    elif service == "sagemakerruntime":
        yield Call("sagemaker:InvokeEndpoint", arn("sagemaker", f"endpoint/{asks['EndpointName']}"))
    else:
        yield from registry_calls(action, asks, environment)


def job_calls(kind: str, asks: Json) -> Iterator[Call]:
    name = built(asks[f"{kind}JobName"])
    for verb in (f"Create{kind}Job", f"Describe{kind}Job", f"Stop{kind}Job", "AddTags", "ListTags"):
        yield Call(f"sagemaker:{verb}", arn("sagemaker", f"{kind.lower()}-job/{name}"))
    # A transform job runs as its model does.
    if kind != "Transform":
        yield Call("iam:PassRole", asks["RoleArn"], {"iam:PassedToService": "sagemaker.amazonaws.com"})
    yield from managed_rule(f"SageMaker{kind}Jobs")


def registry_calls(action: str, asks: Json, environment: Environment) -> Iterator[Call]:
    package = environment.package_arn()
    if action == "createModelPackage":
        group = asks["ModelPackageGroupName"]
        yield Call("sagemaker:CreateModelPackage", arn("sagemaker", f"model-package-group/{group}"))
        yield Call("sagemaker:CreateModelPackage", package)
        (container,) = asks["InferenceSpecification"]["Containers"]
        registry, repository = re.split(r"[/:]", container["Image"])[:2]
        for verb in ("BatchGetImage", "DescribeImages"):
            on = f"arn:aws:ecr:{REGION}:{registry.split('.')[0]}:repository/{repository}"
            yield Call(f"ecr:{verb}", on)
        metrics = built(asks["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"])
        bucket = metrics.split("/")[2]
        yield Call("s3:GetObject", f"arn:aws:s3:::{bucket}/models/x/model.tar.gz")
        yield Call("s3:GetObject", metrics.replace("s3://", "arn:aws:s3:::"))
    elif action in ("describeModelPackage", "updateModelPackage"):
        yield Call(f"sagemaker:{pascal(action)}", package)
    else:
        raise AssertionError(f"this test does not know what {action} needs")


def needed(environment: Environment, machine: str) -> list[Call]:
    """All that the tasks of a state machine call."""
    states = environment.machines[machine]["States"].values()
    return [
        call for state in states if state["Type"] == "Task" for call in calls(state, environment, machine)
    ]


def role_of(environment: Environment, machine: str) -> Role:
    return roles(environment)[f"the {machine} workflow"]


@pytest.mark.parametrize(("environment", "machine"), WORKFLOWS)
def test_every_call_of_a_workflow_is_allowed(
    environments: dict[str, Environment], environment: str, machine: str
) -> None:
    role = role_of(environments[environment], machine)
    missing = [call for call in needed(environments[environment], machine) if not role.allows(call)]
    assert missing == []


@pytest.mark.parametrize(("environment", "machine"), WORKFLOWS)
def test_nothing_is_allowed_that_a_workflow_never_calls(
    environments: dict[str, Environment], environment: str, machine: str
) -> None:
    made = needed(environments[environment], machine)
    idle = [
        (action, resource)
        for statement in role_of(environments[environment], machine).statements
        for action in statement.actions
        for resource in statement.resources
        if action not in WITHOUT_STATE and not any(statement.covers(action, resource, call) for call in made)
    ]
    assert idle == []


@pytest.mark.parametrize(("environment", "machine"), WORKFLOWS)
def test_the_logs_and_traces_of_a_workflow_are_allowed(
    environments: dict[str, Environment], environment: str, machine: str
) -> None:
    """Without them the state machine is not created, or runs unseen."""
    role = role_of(environments[environment], machine)
    assert [action for action in sorted(WITHOUT_STATE) if not role.allows(Call(action, "*"))] == []
