"""The roles of the jobs and of the endpoint: one a step, each with what its step does."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks import images
from stacks.archives import CodeArchive
from stacks.jobs import CHECKPOINTS, DATASETS, EVALUATIONS, MODELS
from stacks.permissions import Permission, acknowledge
from stacks.settings import Settings


class JobRoles(Construct):
    """Execution roles that SageMaker assumes.

    Policies stand inside their role, not beside it: a job or a model made right after the role
    would otherwise race the attachment of its policy.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        data: s3.IBucket,
        artifacts: s3.IBucket,
        code: CodeArchive,
    ) -> None:
        """Build the roles over the two buckets and the training code's archive."""
        super().__init__(scope, "JobRoles")
        self._settings = settings
        transformers = settings.training.transformers
        processing = images.find(transformers, "inference", "cpu")
        source = Permission(["s3:GetObject"], [code.s3_object_arn])
        # A job's input is a prefix, even where one object is meant.
        sources, reviews, runs = (
            Permission(["s3:ListBucket"], [arn])
            for arn in (code.bucket_arn, data.bucket_arn, artifacts.bucket_arn)
        )

        def read(prefix: str, bucket: s3.IBucket = artifacts) -> Permission:
            return Permission(
                ["s3:GetObject"],
                [bucket.arn_for_objects(f"{prefix}*")],
                because="An execution names the reviews and the checkpoint, and what it makes, by prefix",
            )

        def write(prefix: str) -> Permission:
            return Permission(
                ["s3:AbortMultipartUpload", "s3:PutObject"],
                [artifacts.arn_for_objects(f"{prefix}/*")],
                because="Each execution writes below a prefix of its own",
            )

        self.prepare = self._role(
            "Prepare",
            "ProcessingJobs",
            processing,
            [source, sources, read("", data), reviews, write(DATASETS), runs],
        )
        self.train = self._role(
            "Train",
            "TrainingJobs",
            images.find(transformers, "training", "gpu"),
            [source, read(f"{DATASETS}/"), read(f"{CHECKPOINTS}/"), write(MODELS), runs],
        )
        self.evaluate = self._role(
            "Evaluate",
            "ProcessingJobs",
            processing,
            [source, sources, read(f"{DATASETS}/"), read(f"{MODELS}/"), write(EVALUATIONS), runs],
        )
        self.serve = self._role("Serve", "Endpoints", processing, [read(f"{MODELS}/"), runs])

    def _role(
        self, step: str, log_group: str, image: images.Image, permissions: list[Permission]
    ) -> iam.Role:
        permissions = [*permissions, *self._of_every_container(log_group, image)]
        role = iam.Role(
            self,
            step,
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                # https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
            description=f"Nunchi {self._settings.environment}: {step.lower()}",
            inline_policies={
                step: iam.PolicyDocument(statements=[permission.statement() for permission in permissions])
            },
        )
        acknowledge(role, permissions)
        return role

    def _of_every_container(self, log_group: str, image: images.Image) -> list[Permission]:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
        stack = Stack.of(self)
        return [
            Permission(
                ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                [image.repository_arn(self._settings.region)],
            ),
            Permission(["ecr:GetAuthorizationToken"], ["*"], because="The action has no resources"),
            Permission(
                [
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ],
                [
                    stack.format_arn(
                        service="logs",
                        resource="log-group",
                        resource_name=f"/aws/sagemaker/{log_group}*",
                        arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
                because="SageMaker names the log streams",
            ),
            Permission(
                ["cloudwatch:PutMetricData"],
                ["*"],
                because="The action has no resources; a condition names the namespace",
                conditions={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
            ),
        ]
