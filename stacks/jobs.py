"""The requests of the SageMaker jobs, as arguments of JSONata tasks.

They read the variables that `stacks/retrain.py` assigns. In the artifact bucket each step writes
below a prefix of its own, `<prefix>/$run/`, `$run` being the execution's name where a job may have it.
"""

from __future__ import annotations

from typing import Any

from stacks import images, instances
from stacks.archives import CodeArchive
from stacks.data_settings import DataSettings
from stacks.jsonata import query, source, with_optional
from stacks.network import Network
from stacks.prefixes import (
    BASE_MODELS,
    CHECKPOINTS,
    DATASETS,
    EVALUATIONS,
    MANIFESTS,
    MODELS,
    PACKAGES,
)
from stacks.run import JOB
from stacks.settings import Settings
from stacks.storage import Storage

# The lines that train.py prints.
METRICS = {
    "train:loss": r"\[train\] .*\bloss=([0-9.eE+-]+)",
    "validation:loss": r"\[validation\] .*\bloss=([0-9.eE+-]+)",
    "validation:accuracy": r"\[validation\] .*\baccuracy=([0-9.eE+-]+)",
}
OPTIMISED = "optimised"
"""Folder of a run's models that optimise.py writes to."""
_INPUT = "/opt/ml/processing/input"
# A training job has a toolkit that unpacks the source; for a processing job this line does it, as the
# SageMaker SDK's FrameworkProcessor does in its runproc.sh:
# https://github.com/aws/sagemaker-python-sdk/blob/v2.251.0/src/sagemaker/processing.py
# Only optimise.py and evaluate.py need packages that no image has: training can start without an index.
# So does prepare.py, unless it has to read Parquet.
_ENTRYPOINT = [
    "/bin/bash",
    "-euc",
    f"cd {_INPUT}/code && tar -xzf ./*.gz"
    ' && requirements="${REQUIREMENTS:-${0%.py}-requirements.txt}"'
    ' && if [ -f "$requirements" ]; then python3 -m pip install --quiet -r "$requirements"; fi'
    ' && exec python3 "$0" "$@"',
]


class JobRequests:
    """Builds the `Arguments` of `createProcessingJob.sync` and `createTrainingJob.sync`."""

    def __init__(
        self, *, settings: Settings, storage: Storage, code: CodeArchive, network: Network | None
    ) -> None:
        """Requests over `storage`'s buckets and the training code's archive."""
        self._settings = settings
        self._storage = storage
        self._code = code
        self._network = network

    def prepare(self, role_arn: str) -> dict[str, Any]:
        """Check, clean and split the reviews below `$dataPrefix` of the data bucket.

        They are compared with the champion's, by `$championManifest` unless it is ''.
        """
        request = self._processing("prepare", role_arn, isolated=True)
        request["ProcessingInputs"] = [
            self._code_input(),
            _input("data", query(f"'s3://{self._storage.data}/' & $dataPrefix")),
        ]
        request["AppSpecification"]["ContainerArguments"] += data_arguments(self._settings.data)
        if self._settings.data.parquet:
            self._take_packages_from_bucket(request)
            request["Environment"]["REQUIREMENTS"] = "parquet-requirements.txt"
        request["ProcessingInputs"] = with_optional(
            request["ProcessingInputs"],
            _input("champion_manifest", query("$championManifest")),
            unless="$championManifest = ''",
        )
        request["ProcessingOutputConfig"] = self._outputs(
            self._output("train", DATASETS, "/train"),
            self._output("validation", DATASETS, "/validation"),
            self._output("test", DATASETS, "/test"),
            self._output("manifest", MANIFESTS),
        )
        return request

    def train(self, role_arn: str) -> dict[str, Any]:
        """Fine-tune the base checkpoint: `$baseCheckpoint` below `base-models/`, or the Hub's if it is ''.

        `$instanceType` is what it runs on, `$job` what it is named after, `$experiment` where it is kept.
        """
        training = self._settings.training
        keep_alive = training.keep_alive_seconds
        image = images.find(self._settings.images.training, "training", "gpu")
        types = (training.instance_type, *training.fallback_instance_types)
        # Which of them takes a key for its volume depends on the type.
        resources = {
            instance_type: {
                "InstanceType": instance_type,
                "InstanceCount": training.instance_count,
                "VolumeSizeInGB": training.volume_gb,
                **self._volume_key(instance_type),
                **({"KeepAlivePeriodInSeconds": keep_alive} if keep_alive else {}),
            }
            for instance_type in types
        }
        # The toolkit then starts a process for each GPU of all instances, by torchrun.
        # https://docs.aws.amazon.com/sagemaker/latest/dg/data-parallel-framework-estimator.html
        together = {
            instance_type: {"sagemaker_torch_distributed_enabled": "true"}
            for instance_type in types
            if training.instance_count * instances.gpus(instance_type) > 1
        }
        request: dict[str, Any] = {
            "TrainingJobName": query(f"'{self._settings.name('train')}-' & $job"),
            "RoleArn": role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": image.uri(self._settings.aws_region),
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in METRICS.items()],
            },
            "HyperParameters": query(
                f"$merge([$hyperparameters, $lookup({source(together)}, $instanceType)])"
                if together
                else "$hyperparameters"
            ),
            "InputDataConfig": with_optional(
                [
                    _channel("train", self._run_uri(DATASETS, "/train/")),
                    _channel("validation", self._run_uri(DATASETS, "/validation/")),
                    _channel("code", self._code.s3_uri),
                ],
                _channel(
                    "model", query(f"'s3://{self._storage.artifacts}/{BASE_MODELS}/' & $baseCheckpoint & '/'")
                ),
                unless="$baseCheckpoint = ''",
            ),
            "OutputDataConfig": {
                "S3OutputPath": self._run_uri(MODELS),
                "KmsKeyId": self._storage.key_arn,
            },
            "ResourceConfig": query(f"$lookup({source(resources)}, $instanceType)"),
            "ExperimentConfig": query("$experiment"),
            "StoppingCondition": {"MaxRuntimeInSeconds": training.max_runtime_seconds},
            "Tags": self._tags(),
        }
        if training.checkpoints:
            # Below this execution's own prefix: a constant one would resume what another run finished.
            request["CheckpointConfig"] = {"S3Uri": self._run_uri(CHECKPOINTS)}
        if training.spot:
            request["EnableManagedSpotTraining"] = True
            request["StoppingCondition"]["MaxWaitTimeInSeconds"] = training.max_wait_seconds
        if server := training.mlflow_tracking_server_arn:
            request["Environment"] = {
                "MLFLOW_TRACKING_URI": server,
                "MLFLOW_EXPERIMENT_NAME": f"nunchi-{self._settings.environment}",
                "MLFLOW_RUN_NAME": query("$run"),
            }
        # What comes from the Hub has to be fetched, and MLflow to be told.
        from_hub = training.base_checkpoint.s3_prefix is None
        request["EnableNetworkIsolation"] = not (from_hub or server)
        if self._network:
            request["EnableInterContainerTrafficEncryption"] = True
            request["VpcConfig"] = self._network.vpc_config()
        return request

    def optimise(self, role_arn: str) -> dict[str, Any]:
        """Make the variant for CPUs of `$modelData`, and score both on the validation rows."""
        request = self._processing_with_packages("optimise", role_arn)
        request["ProcessingInputs"] += [
            _input("model", query("$modelData")),
            _input("validation", self._run_uri(DATASETS, "/validation/")),
        ]
        request["ProcessingOutputConfig"] = self._outputs(
            self._output("model", MODELS, f"/{OPTIMISED}"),
            self._output("optimisation", MODELS, f"/{OPTIMISED}"),
        )
        return request

    def evaluate(self, role_arn: str) -> dict[str, Any]:
        """Score `$modelData`, and `$championData` unless it is '', on the held-out rows."""
        request = self._processing_with_packages("evaluate", role_arn)
        request["ProcessingInputs"] = with_optional(
            [
                *request["ProcessingInputs"],
                _input("model", query("$modelData")),
                _input("test", self._run_uri(DATASETS, "/test/")),
            ],
            _input("champion", query("$championData")),
            unless="$championData = ''",
        )
        request["ProcessingOutputConfig"] = self._outputs(self._output("evaluation", EVALUATIONS))
        return request

    def hyperparameters(self) -> tuple[dict[str, str], dict[str, str]]:
        """What the training toolkit needs, and what the settings say."""
        training = self._settings.training
        toolkit = {
            "sagemaker_program": "train.py",
            # A path, not a URI: a job in network isolation could not fetch it, and SageMaker does.
            "sagemaker_submit_directory": f"/opt/ml/input/data/code/{self._code.file_name}",
            "sagemaker_region": self._settings.aws_region,
        }
        return toolkit, {
            "model_name_or_path": training.base_checkpoint.name,
            "model_revision": training.base_checkpoint.revision,
            **{
                name: str(value)
                for name, value in training.hyperparameters.model_dump(exclude_none=True).items()
            },
        }

    def manifest_uri(self) -> str:
        """Where prepare.py's manifest lies."""
        return self._run_uri(MANIFESTS, "/manifest.json")

    def fingerprint(self) -> str:
        """What a model is made of, as one word: data and code (`$manifest`), hyperparameters, base, images.

        A run that would make the champion once more is known by it.
        """
        made_by = f"{self._settings.images.training} {self._settings.images.inference}"
        parts = "$manifest.fingerprint, $string($hyperparameters), $baseCheckpoint"
        return query(f"$hash($join([{parts}, {source(made_by)}], ' '), 'SHA-256')")

    def evaluation_uri(self, file: str) -> str:
        """Where evaluate.py's `file` lies."""
        return self._run_uri(EVALUATIONS, f"/{file}")

    def optimised_uri(self, file: str) -> str:
        """Where optimise.py's `file` lies."""
        return self._run_uri(MODELS, f"/{OPTIMISED}/{file}")

    def _processing_with_packages(self, step: str, role_arn: str) -> dict[str, Any]:
        """A job whose packages come from an index, or from the artifact bucket where there is none."""
        request = self._processing(step, role_arn, isolated=self._network is not None)
        request["ProcessingInputs"] = [self._code_input()]
        if self._network:
            self._take_packages_from_bucket(request)
        return request

    def _take_packages_from_bucket(self, request: dict[str, Any]) -> None:
        request["Environment"] = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{_INPUT}/packages"}
        packages = _input("packages", f"s3://{self._storage.artifacts}/{PACKAGES}/")
        request["ProcessingInputs"].append(packages)

    def _processing(self, step: str, role_arn: str, *, isolated: bool) -> dict[str, Any]:
        processing = self._settings.processing
        image = images.find(self._settings.images.inference, "inference", "cpu")
        request: dict[str, Any] = {
            "ProcessingJobName": self._job_name(step),
            "RoleArn": role_arn,
            "AppSpecification": {
                "ImageUri": image.uri(self._settings.aws_region),
                "ContainerEntrypoint": _ENTRYPOINT,
                "ContainerArguments": [f"{step}.py"],
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": processing.instance_type,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": processing.volume_gb,
                    **self._volume_key(processing.instance_type),
                }
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": processing.max_runtime_seconds},
            "Tags": self._tags(),
        }
        isolation = {"EnableNetworkIsolation": isolated}
        request["NetworkConfig"] = isolation | (
            {
                "EnableInterContainerTrafficEncryption": True,
                "VpcConfig": self._network.vpc_config(),
            }
            if self._network
            else {}
        )
        return request

    def _volume_key(self, instance_type: str) -> dict[str, str]:
        # Instances with disks of their own encrypt them themselves, and SageMaker refuses a key for them.
        return {} if instances.has_local_storage(instance_type) else {"VolumeKmsKeyId": self._storage.key_arn}

    def _tags(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self._settings.tags.items()]

    def _outputs(self, *outputs: dict[str, Any]) -> dict[str, Any]:
        return {"Outputs": list(outputs), "KmsKeyId": self._storage.key_arn}

    def _job_name(self, step: str) -> str:
        return query(f"'{self._settings.name(step)}-' & {JOB}")

    def _run_uri(self, prefix: str, path: str = "") -> str:
        return query(f"'s3://{self._storage.artifacts}/{prefix}/' & $run & '{path}'")

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


def data_arguments(data: DataSettings) -> list[str]:
    """What prepare.py is told of the data."""
    single = data.model_dump(exclude={"labels", "parquet"}, exclude_none=True)
    labels = [f"{name}={written}" for written, name in data.labels.items()]
    # A column's name may begin with a dash, a label's may not.
    return [
        *(f"--{name}={value}" for name, value in single.items()),
        *(["--labels", *labels] if labels else ["--labels="]),
    ]


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
