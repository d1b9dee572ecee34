"""What can be set for an environment: the one typed model behind `config/<environment>.yaml`.

A wrong file stops the synthesis with one `SettingsError` that names the file, each wrong field,
its value, and what is allowed.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from stacks import images

_INSTANCE_TYPE = re.compile(r"^ml\.[a-z][a-z0-9-]*\.[0-9]*[a-z]+$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class SettingsError(ValueError):
    """A settings file that cannot be used, with everything that is wrong in it."""


def _instance_type(value: str) -> str:
    if not _INSTANCE_TYPE.match(value):
        raise ValueError("is not a SageMaker instance type; allowed: ml.<family>.<size>, as in ml.p3.2xlarge")
    return value


def _cpu_instance_type(value: str) -> str:
    if images.has_gpu(_instance_type(value)):
        raise ValueError(
            "has a GPU, and the image that runs there is for CPUs; allowed: ml.m5.xlarge and the like"
        )
    return value


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


class TrainingSettings(_Model):
    """The training job."""

    instance_type: str = "ml.p3.2xlarge"
    volume_gb: Annotated[int, Field(ge=10, le=16384)] = 50
    max_runtime_seconds: Annotated[int, Field(ge=60, le=432000)] = 4 * 3600
    transformers: str = "4.49.0"
    """Version of transformers, which picks the training and the inference image (`stacks/images.py`)."""
    base_checkpoint: BaseCheckpoint = BaseCheckpoint()
    hyperparameters: Hyperparameters = Hyperparameters()

    _check_instance_type = field_validator("instance_type")(_instance_type)

    @model_validator(mode="after")
    def _image_runs_on_instance(self) -> TrainingSettings:
        images.check_training(self.transformers, self.instance_type)
        images.find(self.transformers, "inference", "cpu")
        return self


class ProcessingSettings(_Model):
    """The processing jobs: prepare and evaluate."""

    instance_type: str = "ml.m5.xlarge"
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = 30
    max_runtime_seconds: Annotated[int, Field(ge=60, le=432000)] = 3600

    _check_instance_type = field_validator("instance_type")(_cpu_instance_type)


class GateSettings(_Model):
    """When a trained model may go live."""

    min_accuracy: Annotated[float, Field(ge=0, le=1)] = 0.85
    """Accuracy on the held-out rows below which no model passes."""
    max_accuracy_drop: Annotated[float, Field(ge=0, le=1)] = 0.005
    """How much lower than the champion's, on the same rows, the accuracy may be."""


class ServingSettings(_Model):
    """The real-time endpoint."""

    instance_type: str = "ml.m5.large"
    instance_count: Annotated[int, Field(ge=1, le=100)] = 1

    _check_instance_type = field_validator("instance_type")(_cpu_instance_type)


class Settings(_Model):
    """One environment."""

    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,9}$")]
    """Part of every name; at most 10 characters, so that a job's name with an execution's in it
    stays within SageMaker's 63."""
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    """AWS account; the CLI's own when it is not given."""
    region: str = "ap-northeast-2"
    notification_emails: tuple[str, ...] = ()
    """Who is told how each retrain and promotion ended."""
    training: TrainingSettings = TrainingSettings()
    processing: ProcessingSettings = ProcessingSettings()
    gate: GateSettings = GateSettings()
    serving: ServingSettings = ServingSettings()

    @field_validator("region")
    @classmethod
    def _has_images(cls, value: str) -> str:
        images.account(value)
        return value

    @field_validator("notification_emails")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not _EMAIL.match(address):
                raise ValueError(
                    f"has {address!r}, which is not an e-mail address; allowed: name@example.com"
                )
        return value

    def name(self, part: str) -> str:
        """The physical name of a resource of this environment, as in `nunchi-dev-retrain`."""
        return f"nunchi-{self.environment}-{part}"

    @property
    def champion_parameter(self) -> str:
        """Name of the SSM parameter that holds the ARN of the model package that serves, or `none`."""
        return f"/nunchi/{self.environment}/champion"

    @property
    def endpoint_name(self) -> str:
        """Name of the real-time endpoint."""
        return f"nunchi-{self.environment}"


def load(path: Path) -> Settings:
    """The settings in the YAML file at `path`, whose stem is the environment's name.

    Raises:
        SettingsError: with the file, and for each wrong field its value and what is allowed.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold fields, as in `environment: {path.stem}`")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, problem) for problem in error.errors())) from error
    if settings.environment != path.stem:
        raise SettingsError(
            f"{path}: environment: is {settings.environment!r}; allowed: {path.stem!r}, the name of the file"
        )
    return settings


def _explain(path: Path, problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"]) or "settings"
    if problem["type"] == "missing":
        return f"{path}: {field}: is missing"
    if problem["type"] == "extra_forbidden":
        known = _fields_beside(problem["loc"])
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"allowed: {', '.join(known)}"
        return f"{path}: {field}: is not a setting; {hint}"
    said = problem["msg"].removeprefix("Value error, ")
    # A rule over several fields is reported with the whole section as its value.
    value = "" if isinstance(problem["input"], dict) else f"{problem['input']!r} "
    return f"{path}: {field}: {value}{said[0].lower()}{said[1:]}"


def _fields_beside(loc: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in loc[:-1]:
        annotation = model.model_fields[str(part)].annotation
        assert isinstance(annotation, type)
        model = annotation
    return list(model.model_fields)
