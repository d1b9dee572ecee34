"""What must hold between fields of the settings, and of values that no type describes.

A broken rule stops the synthesis with what AWS would otherwise refuse in the middle of a deployment, or
the job or the endpoint would only find out when it runs.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stacks import images, instances

if TYPE_CHECKING:
    from stacks.settings import Settings

_PRIVATE = [ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_DOCKER = ipaddress.IPv4Network("172.17.0.0/16")
_NO_BFLOAT16 = {"p3": "V100", "p3dn": "V100", "g4dn": "T4"}
_MEMORY_MB = range(1024, 6144 + 1, 1024)
_MOST_EMAILS = 10


@dataclass(frozen=True)
class Broken:
    """A rule that does not hold."""

    field: str
    value: object
    problem: str
    """The rule, and after a semicolon the remedy."""

    def __str__(self) -> str:
        """As a line of the error has it."""
        return f"{self.field}: {shown(self.value)}: {self.problem}"


def shown(value: object) -> str:
    """`value` as a settings file has it: null, true, 'text', 3."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def check_cidr(value: str) -> str:
    """`value`, when a VPC may have it: a private block, of whose quarters each holds a zone's addresses.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html. A /24 leaves 59 addresses a
    zone; every job, endpoint instance and interface endpoint takes one.

    Raises:
        ValueError: for any other.
    """
    allowed = "allowed: a /16 to /24 within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, as in 10.20.0.0/16"
    try:
        block = ipaddress.IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"is not a block of IPv4 addresses ({error}); {allowed}") from error
    if not any(block.subnet_of(private) for private in _PRIVATE):
        raise ValueError(f"is not private; {allowed}")
    if not 16 <= block.prefixlen <= 24:
        raise ValueError(f"is a /{block.prefixlen}; {allowed}")
    if block.subnet_of(_DOCKER):
        raise ValueError(f"is where SageMaker's containers have their own network, {_DOCKER}; {allowed}")
    return value


def check_tag(value: str) -> str:
    """`value`, when a tag may have it.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html

    Raises:
        ValueError: for any other.
    """
    if not re.fullmatch(r"[\w .:/=+\-@]{1,256}", value):
        raise ValueError("cannot be a tag; allowed: 1 to 256 letters, digits, spaces and _ . : / = + - @")
    return value


def check_tracking_server(value: str) -> str:
    """`value`, when an MLflow tracking server's ARN looks so.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeMlflowTrackingServer.html

    Raises:
        ValueError: for any other.
    """
    if not re.fullmatch(
        r"arn:aws:sagemaker:[a-z0-9-]+:[0-9]{12}:mlflow-tracking-server/[A-Za-z0-9](-*[A-Za-z0-9]){0,255}",
        value,
    ):
        raise ValueError(
            "is not the ARN of an MLflow tracking server; allowed: "
            "arn:aws:sagemaker:<region>:<account>:mlflow-tracking-server/<name>"
        )
    return value


def broken(settings: Settings) -> Iterator[Broken]:
    """Every rule that does not hold in `settings`."""
    for rules in (
        _images,
        _training,
        _tracking,
        _processing,
        _spot,
        _serving,
        _realtime,
        _serverless,
        _network,
        _golden_sentences,
        _emails,
    ):
        yield from rules(settings)


def _images(settings: Settings) -> Iterator[Broken]:
    # A model that a newer transformers saved may not load in an older one, or in another major version.
    trained, served = settings.images.training, settings.images.inference
    fit = [
        image.transformers
        for image in images.published("inference", "cpu")
        if _major(image.transformers) == _major(trained) and _version(image.transformers) >= _version(trained)
    ]
    if served not in fit:
        yield Broken(
            "images.inference",
            served,
            f"serves what transformers {trained} saves (images.training), "
            f"so it must have its major version and not be older; allowed: {', '.join(fit)}",
        )


def _version(transformers: str) -> tuple[int, ...]:
    return tuple(int(part) for part in transformers.split("."))


def _major(transformers: str) -> int:
    return _version(transformers)[0]


def _training(settings: Settings) -> Iterator[Broken]:
    training = settings.training
    instance_type = training.instance_type
    family = instance_type.split(".")[1]
    image = images.find(settings.images.training, "training", "gpu")
    others = [
        f"{other.transformers} (CUDA {other.cuda})"
        for other in images.published("training", "gpu")
        if family in other.families
    ]
    if others and family not in image.families:
        yield Broken(
            "images.training",
            image.transformers,
            f"its CUDA {image.cuda} does not run on {instance_type} (training.instance_type); "
            f"take {' or '.join(others)}, or an instance of the families {', '.join(image.families)}",
        )
    else:
        yield from _fits("training.instance_type", instance_type, image, "training")
    for number, fallback in enumerate(training.fallback_instance_types):
        yield from _fits(f"training.fallback_instance_types[{number}]", fallback, image, "training")
    families = [one.split(".")[1] for one in training.fallback_instance_types]
    if training.hyperparameters.bf16 and (without := _NO_BFLOAT16.keys() & set(families)):
        yield Broken(
            "training.fallback_instance_types",
            training.fallback_instance_types,
            f"{', '.join(f'ml.{one}' for one in sorted(without))} has no bfloat16, which "
            "training.hyperparameters.bf16 needs; take other types, or leave bf16 out",
        )
    if training.spot and training.keep_alive_seconds:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html
        yield Broken(
            "training.keep_alive_seconds",
            training.keep_alive_seconds,
            "a warm pool takes no spot instances; leave it out, or training.spot",
        )
    if training.hyperparameters.bf16 and family in _NO_BFLOAT16:
        # https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#compute-capabilities
        yield Broken(
            "training.hyperparameters.bf16",
            True,
            f"the {_NO_BFLOAT16[family]} of {instance_type} (training.instance_type) has no bfloat16, which "
            "came with Ampere; leave it out (float16 is the default) or take ml.g5, ml.p4d or a later family",
        )


def _tracking(settings: Settings) -> Iterator[Broken]:
    field, arn = "training.mlflow_tracking_server_arn", settings.training.mlflow_tracking_server_arn
    if arn is None:
        return
    region, account = arn.split(":")[3:5]
    if settings.region not in (None, region):
        yield Broken(field, arn, f"is in {region}; take a tracking server in {settings.region} (region)")
    if settings.account not in (None, account):
        yield Broken(field, arn, f"is in {account}; take a tracking server in {settings.account} (account)")
    if settings.network:
        # There the training container is isolated: not even an interface endpoint of MLflow is reached.
        yield Broken(
            field,
            arn,
            "training does not reach MLflow from a network without a way to the internet; leave it out (each "
            "run is a trial of SageMaker Experiments all the same), or network",
        )


def _processing(settings: Settings) -> Iterator[Broken]:
    image = images.find(settings.images.inference, "inference", "cpu")
    yield from _fits("processing.instance_type", settings.processing.instance_type, image, "processing")


def _fits(
    field: str, instance_type: str, image: images.Image, use: instances.Use, *, otherwise: str = ""
) -> Iterator[Broken]:
    try:
        images.check_instance(image, instance_type)
        instances.check_use(instance_type, use)
    except ValueError as error:
        yield Broken(field, instance_type, f"{error}{otherwise}")


def _spot(settings: Settings) -> Iterator[Broken]:
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    training = settings.training
    if not training.spot:
        if training.max_wait_seconds is not None:
            yield Broken(
                "training.max_wait_seconds",
                training.max_wait_seconds,
                "is for spot only; set training.spot to true, or leave it out",
            )
        return
    if not training.checkpoints:
        yield Broken(
            "training.checkpoints",
            False,
            "a spot job that is interrupted would begin anew; leave it out (true is the default), or "
            "training.spot",
        )
    at_least = f"set it to {training.max_runtime_seconds} (training.max_runtime_seconds) or more"
    if training.max_wait_seconds is None:
        yield Broken("training.max_wait_seconds", None, f"spot needs it; {at_least}")
    elif training.max_wait_seconds < training.max_runtime_seconds:
        yield Broken(
            "training.max_wait_seconds",
            training.max_wait_seconds,
            f"is less than the job alone may take; {at_least}",
        )


def _serving(settings: Settings) -> Iterator[Broken]:
    serving = settings.serving
    if serving.realtime:
        yield from _serves(settings, "serving.realtime", serving.realtime.instance_type, "endpoint")
    if serving.batch:
        yield from _serves(settings, "serving.batch", serving.batch.instance_type, "transform")
    if serving.hub and not (serving.realtime or serving.serverless or serving.batch):
        yield Broken(
            "serving.hub",
            serving.hub.model_id,
            "nothing serves it; leave it out, or set serving.realtime, serving.serverless or serving.batch",
        )
    if serving.data_capture_percent and not serving.realtime:
        yield Broken(
            "serving.data_capture_percent",
            serving.data_capture_percent,
            "only the real-time endpoint keeps requests; leave it out, or set serving.realtime",
        )


def _serves(settings: Settings, way: str, instance_type: str, use: instances.Use) -> Iterator[Broken]:
    processor: images.Processor = settings.serving.processor
    other: images.Processor = "gpu" if processor == "cpu" else "cpu"
    family = instance_type.split(".")[1]
    runs_there = family in images.find(settings.images.inference, "inference", other).families
    yield from _fits(
        f"{way}.instance_type",
        instance_type,
        images.find(settings.images.inference, "inference", processor),
        use,
        otherwise=f", or serving.processor {other}" if runs_there else "",
    )


def _realtime(settings: Settings) -> Iterator[Broken]:
    realtime = settings.serving.realtime
    if not realtime:
        return
    if realtime.min_instances > realtime.max_instances:
        yield Broken(
            "serving.realtime.min_instances",
            realtime.min_instances,
            f"is more than max_instances; set it to {realtime.max_instances} or less, or max_instances to "
            f"{realtime.min_instances} or more",
        )
    if realtime.canary_percent is not None and realtime.min_instances < 2:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html
        yield Broken(
            "serving.realtime.canary_percent",
            realtime.canary_percent,
            "a canary is at most half of the instances, and there may be only one; "
            "set serving.realtime.min_instances to 2 or more, or leave it out",
        )


def _serverless(settings: Settings) -> Iterator[Broken]:
    # https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    serverless = settings.serving.serverless
    if not serverless:
        return
    if serverless.memory_mb not in _MEMORY_MB:
        yield Broken(
            "serving.serverless.memory_mb",
            serverless.memory_mb,
            f"SageMaker has no such size; allowed: {', '.join(str(size) for size in _MEMORY_MB)}",
        )
    if settings.serving.processor == "gpu":
        yield Broken(
            "serving.processor",
            "gpu",
            "a serverless endpoint has no GPU; leave it out (cpu is the default), or set serving.serverless "
            "to null",
        )
    if settings.serving.data_capture_percent and settings.serving.realtime:
        yield Broken(
            "serving.data_capture_percent",
            settings.serving.data_capture_percent,
            "a serverless endpoint keeps no requests; leave it out, or set serving.serverless to null",
        )
    if settings.network:
        yield Broken(
            "network",
            settings.network.model_dump(exclude_unset=True),
            "a serverless endpoint cannot be in a VPC; leave it out, or set serving.serverless to null",
        )
    most = serverless.max_concurrency
    for name in ("provisioned_concurrency", "max_provisioned_concurrency"):
        value = getattr(serverless, name)
        if value is not None and value > most:
            yield Broken(
                f"serving.serverless.{name}",
                value,
                f"is more than max_concurrency; set it to {most} or less, or max_concurrency to {value} or "
                "more",
            )
    least, highest = serverless.provisioned_concurrency, serverless.max_provisioned_concurrency
    if highest is not None and (least is None or highest < least):
        yield Broken(
            "serving.serverless.max_provisioned_concurrency",
            highest,
            "is what provisioned_concurrency scales up to; "
            + (
                "set provisioned_concurrency too, or leave it out"
                if least is None
                else f"set it to {least} or more, or provisioned_concurrency to {highest} or less"
            ),
        )


def _network(settings: Settings) -> Iterator[Broken]:
    if not settings.network:
        return
    if not settings.training.base_checkpoint.s3_prefix:
        yield Broken(
            "training.base_checkpoint.s3_prefix",
            None,
            "training does not reach the Hub from a network without a way to the internet; upload the "
            "checkpoint to a folder below base-models/ of the artifact bucket and set it to the folder's "
            "name, or leave network out",
        )
    if settings.serving.hub:
        yield Broken(
            "serving.hub",
            settings.serving.hub.model_id,
            "an endpoint does not reach the Hub from a network without a way to the internet; leave it out, "
            "or network",
        )


def _golden_sentences(settings: Settings) -> Iterator[Broken]:
    known = dict.fromkeys(settings.data.labels.values())
    pairs = settings.data.text_pair_column is not None
    for number, sentence in enumerate(settings.serving.golden_sentences):
        if pairs != (sentence.text_pair is not None):
            yield Broken(
                f"serving.golden_sentences[{number}].text_pair",
                sentence.text_pair,
                "the models of this environment answer pairs (data.text_pair_column); give the second text"
                if pairs
                else "the models of this environment answer single texts; leave it out, or set "
                "data.text_pair_column",
            )
        # Without labels in the settings they come from the data, which the synthesis does not see.
        if known and sentence.label not in known:
            yield Broken(
                f"serving.golden_sentences[{number}].label",
                sentence.label,
                "no model of this environment answers so, and each promotion would be taken back; its labels "
                f"(data.labels): {', '.join(known)}",
            )


def _emails(settings: Settings) -> Iterator[Broken]:
    addresses = settings.notification_emails
    for address in dict.fromkeys(addresses):
        if addresses.count(address) > 1:
            yield Broken("notification_emails", address, "is given twice; give it once")
    if len(addresses) > _MOST_EMAILS:
        # https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_NotificationWithSubscribers.html
        yield Broken(
            "notification_emails",
            len(addresses),
            f"a budget tells {_MOST_EMAILS} addresses; give {_MOST_EMAILS} or fewer, as in a mailing list's",
        )
