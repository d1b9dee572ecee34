"""What can be set for an environment: the one typed model behind `config/<environment>.yaml`.

A wrong file stops the synthesis with one `SettingsError` (`stacks/settings_file.py`) that names the file,
each wrong field, its value, and what is allowed. Rules across fields: `stacks/rules.py`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from stacks import images, instances, rules, schedule_expression
from stacks.data_settings import DataSettings
from stacks.pseudo_parameters import REGION

_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")

InstanceType = Annotated[str, AfterValidator(instances.check_exists)]
RetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 3653]
"""The periods that CloudWatch Logs knows."""


class _Model(BaseModel):
    # Strict: YAML's yes is no number.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StorageSettings(_Model):
    """The buckets. Models, evaluations, base models and reviews are kept for ever."""

    noncurrent_days: Annotated[int, Field(ge=1)] = 30
    """Days that an object lives on after it was overwritten or deleted."""
    artifact_days: Annotated[int, Field(ge=1)] = 180
    """Days that what can be made again is kept: split data sets, checkpoints, captured requests."""
    access_log_days: Annotated[int, Field(ge=1)] = 365
    """Days that the access logs of the buckets are kept."""


class NetworkSettings(_Model):
    """A VPC without a way to the internet, in which jobs and real-time endpoints run."""

    cidr: str = "10.20.0.0/16"
    """The VPC's addresses; each zone has a quarter of them."""
    availability_zones: Annotated[int, Field(ge=2, le=3)] = 2
    """Zones with a subnet."""

    @field_validator("cidr")
    @classmethod
    def _block(cls, value: str) -> str:
        return rules.check_cidr(value)


class LogSettings(_Model):
    """The logs of workflows, endpoints and the network."""

    retention_days: RetentionDays = 180
    """Days that they are kept, of those that CloudWatch Logs knows."""
    execution_data: bool = True
    """Whether the workflows' logs hold input and output of each state."""


class ImageSettings(_Model):
    """Versions of transformers, which pick the Hugging Face images (`stacks/images.py`)."""

    training: str = "4.49.0"
    """Trains."""
    inference: str = "4.49.0"
    """Serves what `training` made, and runs the processing jobs."""

    @field_validator("training")
    @classmethod
    def _has_training_image(cls, value: str) -> str:
        images.find(value, "training", "gpu")
        return value

    @field_validator("inference")
    @classmethod
    def _has_inference_image(cls, value: str) -> str:
        images.find(value, "inference", "cpu")
        return value


class BaseCheckpoint(_Model):
    """The pre-trained model that training starts from."""

    name: str = "monologg/koelectra-small-v3-discriminator"
    """Name on the Hugging Face Hub."""
    revision: str = "main"
    """Branch, tag or commit on the Hub; a commit makes retrains repeatable."""
    s3_prefix: str | None = None
    """Folder below `base-models/` of the artifact bucket that holds the checkpoint. When it is set
    nothing is taken from the Hub."""

    @field_validator("s3_prefix")
    @classmethod
    def _one_folder(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
            raise ValueError("must be the name of one folder below base-models/, without slashes")
        return value


class Hyperparameters(_Model):
    """The arguments of `training_code/train.py` that an environment sets, by the same names."""

    num_train_epochs: Annotated[float, Field(gt=0, le=100)] = 3
    per_device_train_batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.01
    warmup_ratio: Annotated[float, Field(ge=0, le=1)] = 0.1
    max_seq_length: Annotated[int, Field(ge=8, le=512)] = 128
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42
    bf16: bool | None = None
    """Train in bfloat16, from Ampere on; left out, where the GPU has it, and in float16 where it does not."""


class ScheduleSettings(_Model):
    """When a workflow starts by itself."""

    expression: str
    """As EventBridge Scheduler reads it: `cron(0 3 ? * SUN *)`, `rate(7 days)` or `at(2027-01-01T03:00:00)`.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""
    timezone: str = "Asia/Seoul"
    """That the expression is in."""
    flexible_minutes: Annotated[int, Field(ge=0, le=1440)] = 15
    """How much later than said it may start; 0 is to the minute."""
    max_retries: Annotated[int, Field(ge=0, le=185)] = 3
    """How often a start that failed is tried again."""
    max_age_seconds: Annotated[int, Field(ge=60, le=86400)] = 3600
    """How long a start that failed is tried again, before it goes to the dead-letter queue."""

    @field_validator("expression")
    @classmethod
    def _is_understood(cls, value: str) -> str:
        return schedule_expression.check(value)

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, value: str) -> str:
        return schedule_expression.check_timezone(value)


class TrainingSettings(_Model):
    """The training job."""

    instance_type: InstanceType = "ml.p3.2xlarge"
    """With one GPU or several."""
    instance_count: Annotated[int, Field(ge=1, le=16)] = 1
    """Instances that train one model together, each with all its GPUs."""
    volume_gb: Annotated[int, Field(ge=10, le=16384)] = 50
    """Its disk."""
    max_runtime_seconds: Annotated[int, Field(ge=60, le=432000)] = 4 * 3600
    """After which SageMaker stops it."""
    checkpoints: bool = True
    """Whether each epoch is kept in S3, for a job that is interrupted to go on from."""
    spot: bool = False
    """Managed spot training."""
    max_wait_seconds: Annotated[int, Field(ge=60, le=864000)] | None = None
    """With spot: how long the job may take, waiting for capacity included."""
    fallback_instance_types: list[InstanceType] = []
    """Taken in turn where there is no capacity of the ones before."""
    keep_alive_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    """Warm pool: how long the instance is kept, and paid, for the next job. Not with spot."""
    when_busy: Literal["end", "wait"] = "end"
    """What a retrain does while another is at work."""
    mlflow_tracking_server_arn: str | None = None
    """SageMaker's MLflow tracking server that each training is a run on."""
    base_checkpoint: BaseCheckpoint = BaseCheckpoint()
    hyperparameters: Hyperparameters = Hyperparameters()
    schedule: ScheduleSettings | None = None

    @field_validator("mlflow_tracking_server_arn")
    @classmethod
    def _is_a_tracking_server(cls, value: str | None) -> str | None:
        return None if value is None else rules.check_tracking_server(value)


class ProcessingSettings(_Model):
    """The processing jobs: prepare, optimise and evaluate."""

    instance_type: InstanceType = "ml.m5.xlarge"
    """One instance, without a GPU."""
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = 30
    """Its disk."""
    max_runtime_seconds: Annotated[int, Field(ge=60, le=432000)] = 3600
    """After which SageMaker stops a job."""


class GateSettings(_Model):
    """When a trained model may go live."""

    min_accuracy: Annotated[float, Field(ge=0, le=1)] = 0.85
    """Accuracy on the held-out rows below which no model passes. Where a text may have several labels, it is
    the share of the texts with all of theirs and no other."""
    max_accuracy_drop: Annotated[float, Field(ge=0, le=1)] = 0.005
    """How much lower than the champion's, on the same rows, the accuracy may be."""
    max_slice_accuracy_drop: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The same on each slice of the rows, such as the texts with slang. A drop that may be chance, by
    McNemar's test at 0.5 %, stops no model."""
    min_slice_rows: Annotated[int, Field(ge=1)] = 100
    """A slice with fewer rows is reported, and not judged."""
    approval: Literal["automatic", "person"] = "automatic"
    """Who lets a model that passed take over: `automatic` promotes it at once; with `person` it waits in the
    registry until somebody approves it there."""
    max_optimised_accuracy_drop: Annotated[float, Field(ge=0, le=1)] = 0.003
    """Share of the validation rows by which the variant for CPUs (ONNX Runtime, int8) may be less accurate
    than the model that was trained; where it is more, that model is served, by PyTorch."""


class RealtimeSettings(_Model):
    """The real-time endpoint, named `nunchi-<environment>`."""

    instance_type: InstanceType = "ml.m5.large"
    """Of each instance."""
    min_instances: Annotated[int, Field(ge=1, le=100)] = 1
    """How many there are at least."""
    max_instances: Annotated[int, Field(ge=1, le=100)] = 1
    """More than `min_instances`: the endpoint scales."""
    invocations_per_instance: Annotated[int, Field(ge=1)] = 600
    """Invocations a minute and instance that scaling aims at."""
    scale_out_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """Between two additions of instances."""
    scale_in_cooldown_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """Between two removals of instances."""
    canary_percent: Annotated[int, Field(ge=1, le=50)] | None = None
    """Share of the new instances that take traffic first when a model or instance changes; without it all."""
    bake_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """How long the alarms are watched before the old instances go."""
    max_latency_ms: Annotated[int, Field(ge=1, le=60000)] = 1000
    """The model's p99 latency above which the alarm rings, and a change is rolled back."""


class ServerlessSettings(_Model):
    """The serverless endpoint, named `nunchi-<environment>-serverless`."""

    memory_mb: int = 3072
    """1024 to 6144, in steps of 1024."""
    max_concurrency: Annotated[int, Field(ge=1, le=200)] = 5
    """Requests at a time; more are refused with 429."""
    provisioned_concurrency: Annotated[int, Field(ge=1, le=200)] | None = None
    """Requests at a time that never start cold."""
    max_provisioned_concurrency: Annotated[int, Field(ge=1, le=200)] | None = None
    """More than `provisioned_concurrency`: it scales."""


class BatchSettings(_Model):
    """The batch transform workflow, named `nunchi-<environment>-transform`."""

    instance_type: InstanceType = "ml.m5.xlarge"
    """Of each instance."""
    instance_count: Annotated[int, Field(ge=1, le=20)] = 1
    """How many share the files."""
    max_runtime_seconds: Annotated[int, Field(ge=60, le=432000)] = 4 * 3600
    """After which the workflow gives up."""
    bad_lines: Literal["report", "fail"] = "report"
    """What becomes of a line that is no request: `report` puts the error in the place of its answer, `fail`
    fails the job."""
    on_arrival: bool = False
    """Whether a new file below `incoming/` starts it."""
    schedule: ScheduleSettings | None = None


class HubModel(_Model):
    """What serves while there is no champion: a model straight from the Hugging Face Hub."""

    model_id: str
    """As in `jaehyeong/koelectra-base-v3-generalized-sentiment-analysis`."""
    task: Literal["text-classification", "token-classification", "fill-mask", "feature-extraction"] = (
        "text-classification"
    )
    """What the model is for, by the Hub's name."""
    revision: str
    """The commit: what a branch means can change behind one's back."""

    @field_validator("revision")
    @classmethod
    def _is_pinned(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9a-f]{40}", value):
            raise ValueError("must be a commit of the Hub's repository: 40 lower-case hexadecimal digits")
        return value


class GoldenSentence(_Model):
    """A text that every model must get right."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    """As a caller would send it."""
    text_pair: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """The second text, where texts come in pairs."""
    label: Annotated[str, Field(min_length=1, max_length=60)]
    """The right answer; where a text may have several labels, the likeliest."""

    @property
    def inputs(self) -> str | dict[str, str]:
        """What the endpoint is asked."""
        return self.text if self.text_pair is None else {"text": self.text, "text_pair": self.text_pair}


class ServingSettings(_Model):
    """What serves the champion: each way is there when it has fields (`{}` for the defaults)."""

    processor: images.Processor = "cpu"
    """Whose image a model is registered with."""
    data_capture_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share of the requests that is kept, with its answer, below `captures/` of the artifact bucket."""
    golden_sentences: Annotated[list[GoldenSentence], Field(max_length=20)] = []
    """What the endpoints are asked when a new model has taken over: one wrong answer brings the previous
    model back. Without any, an answer of the right form is enough."""
    hub: HubModel | None = None
    realtime: RealtimeSettings | None = RealtimeSettings()
    serverless: ServerlessSettings | None = None
    batch: BatchSettings | None = BatchSettings()


class BudgetSettings(_Model):
    """The environment's monthly budget."""

    monthly_usd: Annotated[int, Field(ge=1)] = 100
    """US dollars a month."""
    actual_percent: Annotated[int, Field(ge=1, le=1000)] = 80
    """Of it spent: people are told."""
    forecast_percent: Annotated[int, Field(ge=1, le=1000)] = 100
    """Of it on the way to be spent: people are told."""


class Settings(_Model):
    """One environment."""

    environment: str
    """Part of every name; at most 9 characters, so that a job's name with an execution's in it
    stays within SageMaker's 63."""
    owner: str
    """Who is asked about it: tag `owner` of everything."""
    cost_centre: str
    """Who pays for it: tag `cost-centre` of everything."""
    account: str | None = None
    """AWS account; the CLI's own when it is not given."""
    region: str | None = None
    """AWS region; the CLI's own when it is not given."""
    termination_protection: bool = False
    """Whether its stacks refuse to be deleted."""
    notification_emails: list[str] = []
    """Who is told how each retrain and promotion ended, of alarms, and of the budget."""
    storage: StorageSettings = StorageSettings()
    network: NetworkSettings | None = None
    logs: LogSettings = LogSettings()
    images: ImageSettings = ImageSettings()
    data: DataSettings = DataSettings()
    training: TrainingSettings = TrainingSettings()
    processing: ProcessingSettings = ProcessingSettings()
    gate: GateSettings = GateSettings()
    serving: ServingSettings = ServingSettings()
    budget: BudgetSettings = BudgetSettings()

    @field_validator("environment")
    @classmethod
    def _part_of_names(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9]{1,8}", value):
            raise ValueError("must be 2 to 9 lower-case letters and digits, a letter first, as in dev")
        return value

    @field_validator("owner", "cost_centre")
    @classmethod
    def _tag(cls, value: str) -> str:
        return rules.check_tag(value)

    @field_validator("account")
    @classmethod
    def _account_id(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[0-9]{12}", value):
            raise ValueError("must be an AWS account's 12 digits, in quotes")
        return value

    @field_validator("region")
    @classmethod
    def _has_images(cls, value: str | None) -> str | None:
        if value is not None:
            images.check_region(value)
        return value

    @field_validator("notification_emails")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        for address in value:
            if not _EMAIL.match(address):
                raise ValueError(
                    f"has {address!r}, which is not an e-mail address; allowed: name@example.com"
                )
        return value

    @model_validator(mode="after")
    def _rules_across_fields(self) -> Settings:
        if broken := [str(one) for one in rules.broken(self)]:
            raise ValueError("\n".join(broken))
        return self

    def name(self, part: str) -> str:
        """The physical name of a resource of this environment, as in `nunchi-dev-retrain`."""
        return f"nunchi-{self.environment}-{part}"

    @property
    def aws_region(self) -> str:
        """The region, or the token that CloudFormation replaces by the deployment's own."""
        return self.region or REGION

    @property
    def champion_parameter(self) -> str:
        """Name of the SSM parameter that holds the ARN of the model package that serves, or `none`."""
        return f"/nunchi/{self.environment}/champion"

    @property
    def endpoint_name(self) -> str:
        """Name of the real-time endpoint."""
        return f"nunchi-{self.environment}"

    @property
    def serverless_endpoint_name(self) -> str:
        """Name of the serverless endpoint."""
        return self.name("serverless")

    @property
    def tags(self) -> dict[str, str]:
        """The tags of everything that takes tags; the budget counts what has the first."""
        return {
            "application": f"nunchi-{self.environment}",
            "environment": self.environment,
            "owner": self.owner,
            "cost-centre": self.cost_centre,
        }
