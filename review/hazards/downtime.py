"""What people and programs call, and find no longer; and deployments that stop halfway."""

from __future__ import annotations

import json
from collections.abc import Iterator

from review.assembly import Stack
from review.hazards.case import Case
from review.resources import STACK

# Type → what happens while it is not there.
_CALLED = {
    "AWS::EC2::RouteTable": "nothing in its subnets reaches AWS meanwhile",
    "AWS::EC2::SecurityGroup": "what is placed in it has to move first",
    "AWS::EC2::Subnet": "what is placed in it has to move first",
    "AWS::EC2::VPC": "all that is placed in it has to move first",
    "AWS::EC2::VPCEndpoint": "containers in a network without the internet do not reach the service",
    "AWS::SageMaker::Endpoint": "callers get errors until a new one is up, and for good under the old name",
    "AWS::StepFunctions::StateMachine": "what starts it fails, executions that run end, and its history goes",
}
# Type → the physical name that two cannot share at a time.
_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}


def dangers(case: Case, before: dict[str, Stack]) -> Iterator[str]:
    """What stops; `before` are the environment's stacks as they are deployed, which share exports."""
    if case.type == STACK:
        yield from _conditions(case)
        yield from _exports_gone(case, before)
    elif case.type in _CALLED and case.goes:
        verb = {"removed": "goes", "replaced": "is replaced"}.get(case.change.kind, "may be replaced")
        cause = ", ".join(change.path for change in case.change.properties if change.replaces)
        yield f"{case.what} {verb}{f' because of {cause}' if cause else ''}: {_CALLED[case.type]}"
    if case.type == "AWS::SageMaker::Endpoint" and case.was and case.now:
        yield from _scale(case)
    if case.change.kind == "replaced":
        yield from _export_in_use(case, before)
        yield from _name_taken(case)
    if case.change.kind == "added":
        yield from _moved(case)
    for leaf in case.change.properties:
        if leaf.path == "Condition" and leaf.after and case.was and case.now:
            yield f"{case.what} is there only while {leaf.after} holds; before: {leaf.before or 'always'}"


def _scale(case: Case) -> Iterator[str]:
    scales = (
        any(
            one["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
            for one in case.head.resources.values()
        )
        if case.head
        else False
    )
    if (
        scales
        and case.before.get("RetainAllVariantProperties")
        and not case.after.get("RetainAllVariantProperties")
    ):
        yield (
            f"{case.what} goes back to its first number of instances with each update, whatever scaling chose"
            " for its load"
        )


def _conditions(case: Case) -> Iterator[str]:
    if case.base is None or case.head is None:
        return
    for name, condition in case.base.template.get("Conditions", {}).items():
        if case.head.template.get("Conditions", {}).get(name, condition) != condition:
            hanging = [
                case.head.path(one)
                for one, resource in case.head.resources.items()
                if resource.get("Condition") == name
            ]
            yield (
                f"the condition {name} of {case.what} means something else: it decides whether"
                f" {', '.join(hanging) or 'anything'} is there"
            )


def _exports_gone(case: Case, before: dict[str, Stack]) -> Iterator[str]:
    if case.base is None or case.head is None:
        return
    kept = {name: json.dumps(value) for name, value in case.head.exports.items()}
    for name, value in case.base.exports.items():
        if users := _importers(name, before):
            if name not in kept:
                yield (
                    f"the deployment stops: {case.what} no longer exports {name}, imported by {users} as"
                    " deployed. Keep the export for one deployment more, in which nothing imports it"
                )
            elif kept[name] != json.dumps(value):
                yield f"the deployment stops: the export {name} changes, imported by {users}"


def _export_in_use(case: Case, before: dict[str, Stack]) -> Iterator[str]:
    if case.base is None:
        return
    for name, value in case.base.exports.items():
        users = _importers(name, before)
        if users and f'"{case.change.logical_id}"' in json.dumps(value):
            yield (
                f"the deployment stops: with {case.what} the export {name} changes, imported by {users}. Make"
                " the new one beside the old one, move what uses it over, and remove the old one later"
            )


def _importers(export: str, stacks: dict[str, Stack]) -> str:
    imported = json.dumps({"Fn::ImportValue": export})
    return " and ".join(name for name, stack in stacks.items() if imported in json.dumps(stack.template))


def _name_taken(case: Case) -> Iterator[str]:
    key = _NAMES.get(case.type, "")
    name = case.before.get(key)
    if name and name == case.after.get(key):
        yield (
            "the deployment stops: CloudFormation makes the new one before it deletes the old one, and both"
            f" are named {name}. Give it another name"
        )


def _moved(case: Case) -> Iterator[str]:
    key = _NAMES.get(case.type, "")
    name = case.after.get(key)
    if case.base is None or name is None:
        return
    for logical_id, resource in case.base.resources.items():
        if resource["Type"] == case.type and case.base.readable(resource["Properties"].get(key)) == name:
            yield (
                f"the deployment stops: {case.what} is made before {case.base.path(logical_id)}, which has"
                " the same name, is deleted. override_logical_id keeps the old one where it only moved"
            )
