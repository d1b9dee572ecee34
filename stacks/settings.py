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
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from stacks import images

_INSTANCE_TYPE = re.compile(r"^ml\.[a-z][a-z0-9-]*\.[0-9]*[a-z]+$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class SettingsError(ValueError):
    """A settings file that cannot be used, with everything that is wrong in it."""


def _instance_type(value: str) -> str:
    if not _INSTANCE_TYPE.match(value):
        raise ValueError("is not a SageMaker instance type; allowed: ml.<family>.<size>, as in ml.p3.2xlarge")
    return value


InstanceType = Annotated[str, AfterValidator(_instance_type)]


class _Model(BaseModel):
    # Strict: YAML's yes is no number.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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

    instance_type: InstanceType = "ml.p3.2xlarge"
    volume_gb: Annotated[int, Field(ge=10, le=16384)] = 50
    max_runtime_seconds: Annotated[int, Field(ge=60, le=432000)] = 4 * 3600
    transformers: str = "4.49.0"
    """Version of transformers, which picks the training and the inference image (`stacks/images.py`)."""
    base_checkpoint: BaseCheckpoint = BaseCheckpoint()
    hyperparameters: Hyperparameters = Hyperparameters()

    @field_validator("transformers")
    @classmethod
    def _has_images(cls, value: str) -> str:
        images.find(value, "training", "gpu")
        images.find(value, "inference", "cpu")
        return value


class ProcessingSettings(_Model):
    """The processing jobs: prepare and evaluate."""

    instance_type: InstanceType = "ml.m5.xlarge"
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = 30
    max_runtime_seconds: Annotated[int, Field(ge=60, le=432000)] = 3600


class GateSettings(_Model):
    """When a trained model may go live."""

    min_accuracy: Annotated[float, Field(ge=0, le=1)] = 0.85
    """Accuracy on the held-out rows below which no model passes."""
    max_accuracy_drop: Annotated[float, Field(ge=0, le=1)] = 0.005
    """How much lower than the champion's, on the same rows, the accuracy may be."""


class ServingSettings(_Model):
    """The real-time endpoint."""

    instance_type: InstanceType = "ml.m5.large"
    instance_count: Annotated[int, Field(ge=1, le=100)] = 1


class Settings(_Model):
    """One environment."""

    environment: str
    """Part of every name; at most 10 characters, so that a job's name with an execution's in it
    stays within SageMaker's 63."""
    account: str | None = None
    """AWS account; the CLI's own when it is not given."""
    region: str = "ap-northeast-2"
    notification_emails: list[str] = []
    """Who is told how each retrain and promotion ended."""
    training: TrainingSettings = TrainingSettings()
    processing: ProcessingSettings = ProcessingSettings()
    gate: GateSettings = GateSettings()
    serving: ServingSettings = ServingSettings()

    @field_validator("environment")
    @classmethod
    def _part_of_names(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9]{1,9}", value):
            raise ValueError("must be 2 to 10 lower-case letters and digits, a letter first, as in dev")
        return value

    @field_validator("account")
    @classmethod
    def _account_id(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[0-9]{12}", value):
            raise ValueError("must be an AWS account's 12 digits, in quotes")
        return value

    @field_validator("region")
    @classmethod
    def _has_images(cls, value: str) -> str:
        images.account(value)
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
    def _images_run_on_instances(self) -> Settings:
        training = images.find(self.training.transformers, "training", "gpu")
        inference = images.find(self.training.transformers, "inference", "cpu")
        for section, image in (("training", training), ("processing", inference), ("serving", inference)):
            instance_type = getattr(self, section).instance_type
            try:
                images.check_instance(image, instance_type)
            except ValueError as error:
                raise ValueError(f"{section}.instance_type: {instance_type!r}: {error}") from error
        return self

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


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a field that is given twice, of which YAML would take the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(path: Path) -> Settings:
    """The settings in the YAML file at `path`, whose stem is the environment's name.

    Raises:
        SettingsError: with the file, and for each wrong field its value and what is allowed.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 (it is a SafeLoader)
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
    if problem["type"] == "model_type":
        return f"{path}: {field}: must hold fields, or be left out"
    if problem["type"] == "value_error" and not problem["loc"]:
        return f"{path}: {problem['msg'].removeprefix('Value error, ')}"
    said = problem["msg"].removeprefix("Value error, ")
    return f"{path}: {field}: {problem['input']!r} {said[0].lower()}{said[1:]}"


def _fields_beside(loc: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in loc[:-1]:
        annotation = model.model_fields[str(part)].annotation
        assert isinstance(annotation, type)
        model = annotation
    return list(model.model_fields)
