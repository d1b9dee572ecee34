"""The champion and the registry: which model package serves, and the calls that read and change it.

The parameter `/nunchi/<env>/champion` holds the ARN of the model package that serves, or `none`.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Fn, RemovalPolicy
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.environment_stack import arn
from stacks.images import Image
from stacks.jsonata import query
from stacks.permissions import Permission
from stacks.pseudo_parameters import STACK_ID
from stacks.settings import Settings
from stacks.states import State, task

# A property takes 256 characters, none of them a brace or a quote.
_HYPERPARAMETERS = (
    "$substring($join($each($hyperparameters, function($value, $name) {"
    " $contains($name, /^sagemaker_/) ? '' : $name & '=' & $value & ' ' })), 0, 256)"
)
REJECTED = "rejected"
"""Property of a package that was ever rejected, by the gate, a promotion or a person."""
# What the handlers of inference_code/ read and write.
_ANSWERED = ["application/json", "application/jsonlines", "text/csv"]


class Champion(Construct):
    """The model package group and the champion parameter."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        """Build both."""
        super().__init__(scope, "Champion")
        # A group with packages cannot be deleted, so it outlives its stack, and the next stack's
        # needs another name: the first part of the stack's own id.
        stack_uuid = Fn.select(2, Fn.split("/", STACK_ID))
        suffix = Fn.select(0, Fn.split("-", stack_uuid))
        self.group = sagemaker.CfnModelPackageGroup(
            self,
            "ModelPackageGroup",
            model_package_group_name=settings.name(suffix),
            model_package_group_description=f"Nunchi {settings.environment}: every model that a retrain made",
        )
        self.group.apply_removal_policy(RemovalPolicy.RETAIN)
        self._region = settings.aws_region
        self._parameter = settings.champion_parameter
        # This resource never changes after its first creation: an update of it would put `none` back.
        ssm.CfnParameter(self, "Parameter", name=self._parameter, type="String", value="none")
        self._parameter_arn = arn("ssm", f"parameter{self._parameter}")
        self._packages_arn = arn("sagemaker", f"model-package/{self.group.model_package_group_name}/*")

    def read(self, *, assign: State, next: str) -> State:
        """Read the parameter: `$states.result.Parameter.Value` is the champion."""
        return task("aws-sdk:ssm:getParameter", {"Name": self._parameter}, assign=assign, next=next)

    def write(self, value: str, *, next: str) -> State:
        """Make `value` the champion; nothing serves it before the serving stack's update."""
        return task(
            "aws-sdk:ssm:putParameter",
            {"Name": self._parameter, "Value": value, "Overwrite": True},
            next=next,
        )

    def describe_package(self, package: str, *, assign: State, next: str) -> State:
        """Read a model package."""
        return task(
            "aws-sdk:sagemaker:describeModelPackage",
            {"ModelPackageName": package},
            assign=assign,
            next=next,
        )

    def update_package(self, changes: State, *, next: str, catch: list[State] | None = None) -> State:
        """Change the model package `$package`."""
        return task(
            "aws-sdk:sagemaker:updateModelPackage",
            {"ModelPackageArn": query("$package"), **changes},
            next=next,
            catch=catch,
        )

    def register(
        self,
        *,
        image: Image,
        metrics: str,
        manifest_uri: str,
        status: str,
        description: str,
        next: str,
    ) -> State:
        """Register the archive `$modelData`; `$package` becomes the ARN of its model package."""
        rejected = {REJECTED: query("$now()")} if status == "Rejected" else {}
        container: dict[str, Any] = {
            "Image": image.uri(self._region),
            "ModelDataUrl": query("$modelData"),
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        }
        return task(
            "aws-sdk:sagemaker:createModelPackage",
            {
                # An execution registers its model once, however often the step is run.
                "ClientToken": query("$run"),
                "ModelPackageGroupName": self.group.model_package_group_name,
                "ModelPackageDescription": description,
                "ModelApprovalStatus": status,
                "InferenceSpecification": {
                    "Containers": [container],
                    "SupportedContentTypes": [*_ANSWERED, "text/plain"],
                    "SupportedResponseMIMETypes": _ANSWERED,
                },
                "ModelMetrics": {
                    "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": metrics}}
                },
                "CustomerMetadataProperties": {
                    "run": query("$run"),
                    "accuracy": query("$string($evaluation.accuracy)"),
                    # The API takes few signs here: not those that the reason after the colon may have.
                    "served_by": query("$substringBefore($servedBy, ':')"),
                    # Where it comes from: what it was trained on, by which code, and what it is to replace.
                    "manifest": manifest_uri,
                    "code": query("$manifest.code_sha256"),
                    "fingerprint": query("$fingerprint"),
                    "hyperparameters": query(_HYPERPARAMETERS),
                    "parent": query("$champion"),
                    **rejected,
                },
            },
            assign={"package": query("$states.result.ModelPackageArn")},
            next=next,
        )

    def register_permissions(self, image: Image, archives_and_metrics: list[str]) -> list[Permission]:
        """What reading the champion and registering a package need.

        SageMaker looks at a package's image, archive and metrics for whoever registers it, as the
        managed policy for it shows:
        https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol-model-registry.html
        """
        return [
            Permission(["ecr:BatchGetImage", "ecr:DescribeImages"], [image.repository_arn(self._region)]),
            Permission(["s3:GetObject"], archives_and_metrics, because="Each execution has its own prefix"),
            Permission(["ssm:GetParameter"], [self._parameter_arn]),
            Permission(["sagemaker:CreateModelPackage"], [self.group.attr_model_package_group_arn]),
            self._packages("sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"),
        ]

    def promote_permissions(self) -> list[Permission]:
        """What changing the champion needs; CloudFormation reads a stack's parameters for its caller."""
        bootstrap = arn("ssm", "parameter/cdk-bootstrap/hnb659fds/version")
        return [
            Permission(["ssm:GetParameter", "ssm:PutParameter"], [self._parameter_arn]),
            Permission(["ssm:GetParameters"], [self._parameter_arn, bootstrap]),
            self._packages("sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"),
        ]

    def _packages(self, *actions: str) -> Permission:
        return Permission(
            list(actions), [self._packages_arn], because="Versions are numbered as they are registered"
        )
