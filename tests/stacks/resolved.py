"""The synthesised stacks of one environment, resolved as CloudFormation would in account 123456789012."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from stacks.settings import Settings

Json = dict[str, Any]

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
_PLACE = f"{REGION}:{ACCOUNT}"

# Type → the property with the physical name, and the ARN that follows from the name.
_KINDS: dict[str, tuple[str | None, str]] = {
    "AWS::Budgets::Budget": (None, f"budgets::{ACCOUNT}:budget/{{}}"),
    "AWS::CloudWatch::Alarm": ("AlarmName", f"cloudwatch:{_PLACE}:alarm:{{}}"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", f"cloudwatch::{ACCOUNT}:dashboard/{{}}"),
    "AWS::EC2::FlowLog": (None, f"ec2:{_PLACE}:vpc-flow-log/{{}}"),
    "AWS::EC2::RouteTable": (None, f"ec2:{_PLACE}:route-table/{{}}"),
    "AWS::EC2::SecurityGroup": (None, f"ec2:{_PLACE}:security-group/{{}}"),
    "AWS::EC2::Subnet": (None, f"ec2:{_PLACE}:subnet/{{}}"),
    "AWS::EC2::VPC": (None, f"ec2:{_PLACE}:vpc/{{}}"),
    "AWS::EC2::VPCEndpoint": (None, f"ec2:{_PLACE}:vpc-endpoint/{{}}"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", f"iam::{ACCOUNT}:policy/{{}}"),
    "AWS::IAM::Role": ("RoleName", f"iam::{ACCOUNT}:role/{{}}"),
    "AWS::KMS::Alias": ("AliasName", f"kms:{_PLACE}:{{}}"),
    "AWS::KMS::Key": (None, f"kms:{_PLACE}:key/{{}}"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"logs:{_PLACE}:log-group:{{}}"),
    "AWS::S3::Bucket": ("BucketName", "s3:::{}"),
    "AWS::SNS::Topic": ("TopicName", f"sns:{_PLACE}:{{}}"),
    "AWS::SQS::Queue": ("QueueName", f"sqs:{_PLACE}:{{}}"),
    "AWS::DynamoDB::Table": ("TableName", f"dynamodb:{_PLACE}:table/{{}}"),
    "AWS::SSM::Parameter": ("Name", f"ssm:{_PLACE}:parameter{{}}"),
    "AWS::SageMaker::Endpoint": ("EndpointName", f"sagemaker:{_PLACE}:endpoint/{{}}"),
    "AWS::SageMaker::EndpointConfig": ("EndpointConfigName", f"sagemaker:{_PLACE}:endpoint-config/{{}}"),
    "AWS::SageMaker::Model": ("ModelName", f"sagemaker:{_PLACE}:model/{{}}"),
    "AWS::SageMaker::ModelPackageGroup": (
        "ModelPackageGroupName",
        f"sagemaker:{_PLACE}:model-package-group/{{}}",
    ),
    "AWS::Scheduler::ScheduleGroup": ("Name", f"scheduler:{_PLACE}:schedule-group/{{}}"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", f"states:{_PLACE}:stateMachine:{{}}"),
}
_EC2_IDS = {
    "AWS::EC2::FlowLog": "fl",
    "AWS::EC2::RouteTable": "rtb",
    "AWS::EC2::SecurityGroup": "sg",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCEndpoint": "vpce",
}
_REF_IS_ARN = {
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::StepFunctions::StateMachine",
}


class Template:
    """One synthesised template."""

    def __init__(self, name: str, body: Json) -> None:
        """The template `body` of the stack `name`."""
        self.name = name
        self.body = body
        self.resources: Json = body["Resources"]

    def of_type(self, kind: str) -> Json:
        """The resources of that type, by logical id."""
        return {name: one for name, one in self.resources.items() if one["Type"] == kind}

    def only(self, kind: str) -> Json:
        """The one resource of that type."""
        (one,) = self.of_type(kind).values()
        found: Json = one
        return found

    @property
    def stack_id(self) -> str:
        """The stack's ARN, with the id that it would get when it is made."""
        return f"arn:aws:cloudformation:{_PLACE}:stack/{self.name}/{_uuid(_digest(self.name))}"


@dataclass(frozen=True, eq=False)
class Environment:
    """The stacks of one environment, which import each other's exports."""

    settings: Settings
    templates: dict[str, Template]
    """By part: storage, network, training…"""
    has_champion: bool = True

    @property
    def name(self) -> str:
        """Of the environment."""
        return self.settings.environment

    def without_champion(self) -> Environment:
        """The same on day one."""
        return replace(self, has_champion=False)

    def of_type(self, kind: str) -> Iterator[tuple[str, str, Json]]:
        """Part, logical id and resolved properties of every resource of that type that would be there."""
        for part, template in self.templates.items():
            for logical_id, resource in template.of_type(kind).items():
                if self._holds(part, resource.get("Condition")):
                    yield part, logical_id, self.resolve(part, resource["Properties"])

    def properties(self, part: str, kind: str) -> Json:
        """The resolved properties of the one resource of that type in a stack."""
        (resolved,) = (properties for place, _, properties in self.of_type(kind) if place == part)
        return resolved

    @cached_property
    def machines(self) -> dict[str, Json]:
        """State machine, as in `retrain` → its definition."""
        return {
            properties["StateMachineName"].removeprefix(self.settings.name("")): json.loads(
                properties["DefinitionString"]
            )
            for _, _, properties in self.of_type("AWS::StepFunctions::StateMachine")
        }

    @cached_property
    def exports(self) -> dict[str, tuple[str, Any]]:
        """Name of an export → the part that exports, and what, unresolved."""
        return {
            output["Export"]["Name"]: (part, output["Value"])
            for part, template in self.templates.items()
            for output in template.body.get("Outputs", {}).values()
            if "Export" in output
        }

    def physical_name(self, part: str, logical_id: str) -> str:
        """The resource's name: its own, or one as CloudFormation makes them."""
        template = self.templates[part]
        resource = template.resources[logical_id]
        kind = resource["Type"]
        name_property, _ = _KINDS.get(kind, (None, ""))
        if name_property and name_property in resource["Properties"]:
            return str(self.resolve(part, resource["Properties"][name_property]))
        digest = _digest(f"{template.name}/{logical_id}")
        if kind in _EC2_IDS:
            return f"{_EC2_IDS[kind]}-{digest[:17]}"
        if kind == "AWS::KMS::Key":
            return _uuid(digest)
        made = f"{template.name}-{logical_id}-{digest[:12].upper()}"
        return made.lower() if kind == "AWS::S3::Bucket" else made

    def arn(self, part: str, logical_id: str) -> str:
        """The resource's ARN."""
        kind = self.templates[part].resources[logical_id]["Type"]
        return "arn:aws:" + _KINDS[kind][1].format(self.physical_name(part, logical_id))

    def arns(self) -> set[str]:
        """The ARN of every resource that has one."""
        return {
            self.arn(part, logical_id)
            for part, template in self.templates.items()
            for logical_id, resource in template.resources.items()
            if resource["Type"] in _KINDS
        }

    def resolve(self, part: str, value: Any) -> Any:
        """`value` of the template of `part`, without intrinsic functions.

        Raises:
            NotImplementedError: for one that our templates do not use.
        """
        if isinstance(value, list):
            return [self.resolve(part, item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1 or not (next(iter(value)) == "Ref" or next(iter(value)).startswith("Fn::")):
            return {key: self.resolve(part, item) for key, item in value.items()}
        ((function, argument),) = value.items()
        template = self.templates[part]
        if function == "Ref":
            return self._ref(part, argument)
        if function == "Fn::GetAtt":
            return self._attribute(part, *argument)
        if function == "Fn::If":
            condition, yes, no = argument
            return self.resolve(part, yes if self._holds(part, condition) else no)
        arguments = self.resolve(part, argument)
        match function:
            case "Fn::ImportValue":
                return self.resolve(*self.exports[arguments])
            case "Fn::Join":
                return arguments[0].join(arguments[1])
            case "Fn::Split":
                return arguments[1].split(arguments[0])
            case "Fn::Select":
                return arguments[1][int(arguments[0])]
            case "Fn::GetAZs":
                return [f"{REGION}{zone}" for zone in "abc"]
            case "Fn::Equals":
                return arguments[0] == arguments[1]
            case "Fn::Not":
                return not arguments[0]
            case "Fn::Sub":
                for name, known in self._pseudo(template).items():
                    arguments = arguments.replace(f"${{{name}}}", known)
                return arguments
        raise NotImplementedError(function)

    def _holds(self, part: str, condition: str | None) -> bool:
        return condition is None or self.resolve(part, self.templates[part].body["Conditions"][condition])

    def _pseudo(self, template: Template) -> dict[str, str]:
        return {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackId": template.stack_id,
        }

    def _ref(self, part: str, name: str) -> str:
        template = self.templates[part]
        if pseudo := self._pseudo(template).get(name):
            return pseudo
        if name == "Champion":
            return self.package_arn() if self.has_champion else "none"
        if template.resources[name]["Type"] in _REF_IS_ARN:
            return self.arn(part, name)
        return self.physical_name(part, name)

    def _attribute(self, part: str, name: str, attribute: str) -> str:
        if not attribute.endswith("Arn"):
            return self.physical_name(part, name)
        is_log_group = self.templates[part].resources[name]["Type"] == "AWS::Logs::LogGroup"
        return self.arn(part, name) + (":*" if is_log_group else "")

    @property
    def key_arn(self) -> str:
        """ARN of the environment's key."""
        return self.arn("storage", "Key")

    def package_arn(self) -> str:
        """ARN of the first model package."""
        (group,) = self.templates["training"].of_type("AWS::SageMaker::ModelPackageGroup")
        return f"arn:aws:sagemaker:{_PLACE}:model-package/{self.physical_name('training', group)}/1"


def read(folder: Path, settings: Settings) -> Environment:
    """The environment of `settings` in the cloud assembly `folder`."""
    templates = {}
    for path in sorted(folder.glob(f"nunchi-{settings.environment}-*.template.json")):
        name = path.name.removesuffix(".template.json")
        body = json.loads(path.read_text(encoding="utf-8"))
        templates[name.removeprefix(settings.name(""))] = Template(name, body)
    return Environment(settings, templates)


def by_name(folder: Path, all_settings: Iterable[Settings]) -> dict[str, Environment]:
    """The environments in a cloud assembly, by their names."""
    return {settings.environment: read(folder, settings) for settings in all_settings}


def findings(folder: Path) -> list[str]:
    """What the rule packs found in a cloud assembly: where, and the rule, as in `AwsSolutions-S1`."""
    report = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    return sorted(
        f"{construct['constructPath']}: {violation['ruleName']}"
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _uuid(digest: str) -> str:
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
