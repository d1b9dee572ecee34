"""The requests of the SageMaker jobs, as arguments of JSONata tasks.

They read the variables that `stacks/retrain.py` assigns. In the artifact bucket each step writes
below a prefix of its own, `<prefix>/$run/`, `$run` being the execution's name where a job may have it.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks import images
from stacks.archives import CodeArchive
from stacks.jsonata import query, with_optional
from stacks.settings import Settings

DATASETS, MODELS, EVALUATIONS, CHECKPOINTS = "datasets", "models", "evaluations", "base-models"
"""Prefixes of the artifact bucket."""

# The lines that train.py prints.
METRICS = {
    "train:loss": r"\[train\] .*\bloss=([0-9.eE+-]+)",
    "validation:loss": r"\[validation\] .*\bloss=([0-9.eE+-]+)",
    "validation:accuracy": r"\[validation\] .*\baccuracy=([0-9.eE+-]+)",
}
_INPUT = "/opt/ml/processing/input"
# A training job has a toolkit that unpacks the source; for a processing job this line does it, as the
# SageMaker SDK's FrameworkProcessor does in its runproc.sh:
# https://github.com/aws/sagemaker-python-sdk/blob/v2.251.0/src/sagemaker/processing.py
# Only evaluate.py needs packages that no image has: training can start where there is no index.
_ENTRYPOINT = [
    "/bin/bash",
    "-euc",
    f"cd {_INPUT}/code && tar -xzf ./*.gz"
    ' && requirements="${0%.py}-requirements.txt"'
    ' && if [ -f "$requirements" ]; then python3 -m pip install --quiet -r "$requirements"; fi'
    ' && exec python3 "$0" "$@"',
]


class JobRequests:
    """Builds the `Arguments` of `createProcessingJob.sync` and `createTrainingJob.sync`."""

    def __init__(
        self, *, settings: Settings, data: s3.IBucket, artifacts: s3.IBucket, code: CodeArchive
    ) -> None:
        """Requests over the two buckets and the training code's archive."""
        self._settings = settings
        self._data = data
        self._artifacts = artifacts
        self._code = code

    def prepare(self, role: iam.IRole) -> dict[str, Any]:
        """Check, clean and split the reviews below `$dataPrefix` of the data bucket."""
        request = self._processing("prepare", role)
        request["ProcessingInputs"] = [
            self._code_input(),
            _input("data", query(f"'s3://{self._data.bucket_name}/' & $dataPrefix")),
        ]
        request["ProcessingOutputConfig"] = {
            "Outputs": [
                self._output("train", DATASETS, "/train"),
                self._output("validation", DATASETS, "/validation"),
                self._output("test", DATASETS, "/test"),
                self._output("manifest", DATASETS, "/manifest"),
            ]
        }
        return request

    def train(self, role: iam.IRole) -> dict[str, Any]:
        """Fine-tune the base checkpoint: `$baseCheckpoint` below `base-models/`, or the Hub's if it is ''."""
        training = self._settings.training
        return {
            "TrainingJobName": self._job_name("train"),
            "RoleArn": role.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": images.find(training.transformers, "training", "gpu").uri(
                    self._settings.region
                ),
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in METRICS.items()],
            },
            "HyperParameters": query("$hyperparameters"),
            "InputDataConfig": with_optional(
                [
                    _channel("train", self._run_uri(DATASETS, "/train/")),
                    _channel("validation", self._run_uri(DATASETS, "/validation/")),
                ],
                _channel(
                    "model",
                    query(f"'s3://{self._artifacts.bucket_name}/{CHECKPOINTS}/' & $baseCheckpoint & '/'"),
                ),
                unless="$baseCheckpoint = ''",
            ),
            "OutputDataConfig": {"S3OutputPath": self._run_uri(MODELS)},
            "ResourceConfig": {
                "InstanceType": training.instance_type,
                "InstanceCount": 1,
                "VolumeSizeInGB": training.volume_gb,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": training.max_runtime_seconds},
        }

    def evaluate(self, role: iam.IRole) -> dict[str, Any]:
        """Score `$modelData`, and `$championData` unless it is '', on the held-out rows."""
        request = self._processing("evaluate", role)
        request["ProcessingInputs"] = with_optional(
            [
                self._code_input(),
                _input("model", query("$modelData")),
                _input("test", self._run_uri(DATASETS, "/test/")),
            ],
            _input("champion", query("$championData")),
            unless="$championData = ''",
        )
        request["ProcessingOutputConfig"] = {"Outputs": [self._output("evaluation", EVALUATIONS)]}
        return request

    def hyperparameters(self) -> tuple[dict[str, str], dict[str, str]]:
        """What the training toolkit needs, and what the settings say."""
        training = self._settings.training
        toolkit = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": self._code.s3_uri,
            "sagemaker_region": self._settings.region,
        }
        return toolkit, {
            "model_name_or_path": training.base_checkpoint.name,
            "model_revision": training.base_checkpoint.revision,
            **{name: str(value) for name, value in training.hyperparameters.model_dump().items()},
        }

    def evaluation_uri(self, file: str) -> str:
        """Where evaluate.py's `file` lies."""
        return self._run_uri(EVALUATIONS, f"/{file}")

    def _processing(self, step: str, role: iam.IRole) -> dict[str, Any]:
        processing = self._settings.processing
        image = images.find(self._settings.training.transformers, "inference", "cpu")
        return {
            "ProcessingJobName": self._job_name(step),
            "RoleArn": role.role_arn,
            "AppSpecification": {
                "ImageUri": image.uri(self._settings.region),
                "ContainerEntrypoint": _ENTRYPOINT,
                "ContainerArguments": [f"{step}.py"],
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": processing.instance_type,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": processing.volume_gb,
                }
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": processing.max_runtime_seconds},
        }

    def _job_name(self, step: str) -> str:
        return query(f"'{self._settings.name(step)}-' & $run")

    def _run_uri(self, prefix: str, path: str = "") -> str:
        return query(f"'s3://{self._artifacts.bucket_name}/{prefix}/' & $run & '{path}'")

    def _code_input(self) -> dict[str, Any]:
        return _input("code", self._code.s3_uri)

    def _output(self, name: str, prefix: str, path: str = "") -> dict[str, Any]:
        return {
            "OutputName": name,
            "S3Output": {
                "S3Uri": self._run_uri(prefix, path),
                "LocalPath": f"/opt/ml/processing/output/{name}",
                "S3UploadMode": "EndOfJob",
            },
        }


def _input(name: str, s3_uri: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": s3_uri,
            "LocalPath": f"{_INPUT}/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def _channel(name: str, s3_uri: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": s3_uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
