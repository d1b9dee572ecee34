"""The roles of the jobs and of the endpoints: one a step, each with what its step does."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks import images, instances, prefixes
from stacks.archives import CodeArchive
from stacks.environment_stack import arn
from stacks.jobs import OPTIMISED
from stacks.network import Network
from stacks.permissions import Permission, make_role
from stacks.settings import Settings
from stacks.storage import Storage

# What training_code/tracking.py calls, by its client:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerwithmlflow.html
_TRACKING = ("CreateExperiment", "CreateRun", "GetExperimentByName", "GetRun", "LogBatch", "UpdateRun")
_BY_PREFIX = "An execution names the reviews and the checkpoint, and what it makes, by prefix"


class JobRoles(Construct):
    """Execution roles that SageMaker assumes."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        storage: Storage,
        code: CodeArchive,
        network: Network | None,
    ) -> None:
        """Build the roles over `storage`'s buckets and the training code's archive."""
        super().__init__(scope, "JobRoles")
        self._settings = settings
        self._storage = storage
        self._network = network
        inference = images.find(settings.images.inference, "inference", "cpu")
        training = images.find(settings.images.training, "training", "gpu")
        serving = images.find(settings.images.inference, "inference", settings.serving.processor)
        processing_type = settings.processing.instance_type
        training_types = [settings.training.instance_type, *settings.training.fallback_instance_types]
        source = Permission(["s3:GetObject"], [code.s3_object_arn])
        # A job's input is a prefix, even where one object is meant.
        sources = Permission(["s3:ListBucket"], [code.bucket_arn])
        reviews = Permission(["s3:ListBucket"], [storage.data_arn()])
        runs = Permission(["s3:ListBucket"], [storage.artifacts_arn()])
        data = Permission(["s3:GetObject"], [storage.data_arn("*")], because=_BY_PREFIX)

        self.prepare = self._role(
            "Prepare",
            [
                *(source, sources, data, reviews, self._write(prefixes.DATASETS), runs),
                *(self._write(prefixes.MANIFESTS), self._read(prefixes.MANIFESTS)),
                *([self._read(prefixes.PACKAGES)] if settings.data.parquet else []),
                *self._container("ProcessingJobs", f"{settings.name('prepare')}-", inference),
                *self._instances(processing_type),
            ],
        )
        server = settings.training.mlflow_tracking_server_arn
        tracking = Permission([f"sagemaker-mlflow:{action}" for action in _TRACKING], [server or ""])
        checkpoints = [self._write(prefixes.CHECKPOINTS), self._read(prefixes.CHECKPOINTS)]
        self.train = self._role(
            "Train",
            [
                *(source, sources, self._read(prefixes.DATASETS), self._read(prefixes.BASE_MODELS)),
                *(self._write(prefixes.MODELS), runs),
                *(checkpoints if settings.training.checkpoints else []),
                *([tracking] if server else []),
                *self._container("TrainingJobs", f"{settings.name('train')}-", training),
                *self._instances(*training_types),
            ],
        )
        packages = [self._read(prefixes.PACKAGES)] if network else []
        optimise = [
            *(source, sources, self._read(prefixes.DATASETS), self._read(prefixes.MODELS)),
            *(self._write(f"{prefixes.MODELS}/*/{OPTIMISED}"), runs),
            *packages,
            *self._container("ProcessingJobs", f"{settings.name('optimise')}-", inference),
            *self._instances(processing_type),
        ]
        # On GPUs what was trained serves as it is.
        self.optimise = self._role("Optimise", optimise) if settings.serving.processor == "cpu" else None
        self.evaluate = self._role(
            "Evaluate",
            [
                *(source, sources, self._read(prefixes.DATASETS), self._read(prefixes.MODELS)),
                *(self._write(prefixes.EVALUATIONS), runs),
                *packages,
                *self._container("ProcessingJobs", f"{settings.name('evaluate')}-", inference),
                *self._instances(processing_type),
            ],
        )
        self.serve = self._role("Serve", [self._read(prefixes.MODELS), runs, *self._serve(serving)])

    def _serve(self, image: images.Image) -> list[Permission]:
        serving = self._settings.serving
        permissions = []
        if serving.realtime:
            permissions += self._endpoint_logs(self._settings.endpoint_name)
        if serving.serverless:
            permissions += self._endpoint_logs(self._settings.serverless_endpoint_name)
        if serving.data_capture_percent:
            permissions.append(self._write(prefixes.CAPTURES, because="SageMaker names what it keeps"))
        if serving.batch:
            permissions += [
                Permission(
                    ["s3:GetObject"],
                    [self._storage.data_arn(f"{prefixes.INCOMING}/*")],
                    because="A job's manifest names its files",
                ),
                Permission(["s3:ListBucket"], [self._storage.data_arn()]),
                self._read(prefixes.BATCHES),
                self._write(prefixes.PREDICTIONS, because="A prediction is named after its file"),
                *self._job_logs("TransformJobs", f"{self._settings.name('transform')}-"),
            ]
        types = [way.instance_type for way in (serving.realtime, serving.batch) if way]
        return [*permissions, *self._instances(*types), *self._of_every_container(image)]

    def _role(self, step: str, permissions: list[Permission]) -> iam.CfnRole:
        return make_role(
            self,
            step,
            service="sagemaker",
            description=f"Nunchi {self._settings.environment}: {step.lower()}",
            permissions=[
                *permissions,
                Permission(
                    ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], [self._storage.key_arn]
                ),
                *(self._network.permissions() if self._network else []),
            ],
        )

    def _read(self, prefix: str) -> Permission:
        return Permission(["s3:GetObject"], [self._storage.artifacts_arn(f"{prefix}/*")], because=_BY_PREFIX)

    def _write(
        self, prefix: str, *, because: str = "Each execution writes below a prefix of its own"
    ) -> Permission:
        return Permission(
            ["s3:AbortMultipartUpload", "s3:PutObject"],
            [self._storage.artifacts_arn(f"{prefix}/*")],
            because=because,
        )

    def _instances(self, *types: str) -> list[Permission]:
        # SageMaker gives the volumes of the instances a grant of the key.
        if all(map(instances.has_local_storage, types)):
            return []
        return [
            Permission(
                ["kms:CreateGrant"],
                [self._storage.key_arn],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        ]

    def _container(self, log_group: str, job: str, image: images.Image) -> list[Permission]:
        return [*self._job_logs(log_group, job), *self._of_every_container(image)]

    def _of_every_container(self, image: images.Image) -> list[Permission]:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
        return [
            Permission(
                ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                [image.repository_arn(self._settings.aws_region)],
            ),
            Permission(["ecr:GetAuthorizationToken"], ["*"], because="The action has no resources"),
            Permission(
                ["cloudwatch:PutMetricData"],
                ["*"],
                because="The action has no resources; a condition names the namespace",
                conditions={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
            ),
        ]

    def _job_logs(self, group: str, job: str) -> list[Permission]:
        # The group is every environment's, the streams are the job's own.
        return [
            Permission(
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams"],
                [arn("logs", f"log-group:/aws/sagemaker/{group}:*")],
                because="SageMaker names the log streams",
            ),
            Permission(
                ["logs:PutLogEvents"],
                [arn("logs", f"log-group:/aws/sagemaker/{group}:log-stream:{job}*")],
                because="A job's log stream begins with its name",
            ),
        ]

    def _endpoint_logs(self, endpoint: str) -> list[Permission]:
        return [
            Permission(
                [
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ],
                [arn("logs", f"log-group:/aws/sagemaker/Endpoints/{endpoint}:*")],
                because="SageMaker names the log streams",
            )
        ]
