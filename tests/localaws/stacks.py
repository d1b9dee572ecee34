"""Stacks as a client of CloudFormation makes, changes and removes them."""

import json
from typing import Any

from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import wait

Json = dict[str, Any]


def tags(**more: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in more.items()]


def own(found: list[dict[str, str]]) -> dict[str, str]:
    """Tags but those that CloudFormation adds."""
    return {tag["Key"]: tag["Value"] for tag in found if not tag["Key"].startswith("aws:")}


def arn(resource: str) -> Json:
    return {"Fn::GetAtt": [resource, "Arn"]}


def policy(**statement: Any) -> Json:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


def deploy(aws: LocalAws, name: str, template: Json, **more: Any) -> dict[str, str]:
    """Create or update a stack; returns what Ref of each resource is."""
    client = aws.client("cloudformation")
    refs = {resource: {"Value": {"Ref": resource}} for resource in template["Resources"]}
    body = json.dumps({**template, "Outputs": refs})
    try:
        client.describe_stacks(StackName=name)
    except ClientError:
        client.create_stack(StackName=name, TemplateBody=body, **more)
    else:
        client.update_stack(StackName=name, TemplateBody=body, **more)
    stack = settled(aws, name)
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), reasons(aws, name)
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def settled(aws: LocalAws, name: str) -> Json:
    """The stack, when nothing goes on in it any more."""

    def found() -> Any:
        stack = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    result: Json = wait(found)
    return result


def reasons(aws: LocalAws, name: str) -> list[str]:
    """Why resources of the stack failed."""
    events = aws.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed]


def remove(aws: LocalAws, name: str) -> None:
    client = aws.client("cloudformation")
    name = client.describe_stacks(StackName=name)["Stacks"][0][
        "StackId"
    ]  # by which one finds a deleted stack
    client.delete_stack(StackName=name)
    assert settled(aws, name)["StackStatus"] == "DELETE_COMPLETE", reasons(aws, name)
