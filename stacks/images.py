"""The Hugging Face images on Amazon ECR: which exist, and where each one runs.

Rows and accounts: https://github.com/aws/sagemaker-python-sdk, `image_uri_config/huggingface.json`
(2.251.0). What runs on a V100 (ml.p3): no CUDA 13 image, and of the CUDA 12 ones those whose
PyTorch is built for sm_70; https://github.com/pytorch/pytorch/issues/145570.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Job = Literal["training", "inference"]
Processor = Literal["cpu", "gpu"]

_ACCOUNTS = {
    "ap-northeast-1": "763104351884",
    "ap-northeast-2": "763104351884",
    "ap-southeast-1": "763104351884",
    "eu-central-1": "763104351884",
    "eu-west-1": "763104351884",
    "us-east-1": "763104351884",
    "us-east-2": "763104351884",
    "us-west-2": "763104351884",
}
_GPU_FAMILIES = ("p", "g")


@dataclass(frozen=True)
class Image:
    """One published image."""

    job: Job
    transformers: str
    processor: Processor
    pytorch: str
    tag: str
    runs_on_v100: bool

    @property
    def repository(self) -> str:
        """Name of the ECR repository."""
        return f"huggingface-pytorch-{self.job}"

    def repository_arn(self, region: str) -> str:
        """The repository's ARN in `region`, for policies."""
        return f"arn:aws:ecr:{region}:{account(region)}:repository/{self.repository}"

    def uri(self, region: str) -> str:
        """The image's address in `region`'s registry."""
        return f"{account(region)}.dkr.ecr.{region}.amazonaws.com/{self.repository}:{self.tag}"


_IMAGES = (
    Image("training", "4.49.0", "gpu", "2.5.1", "2.5.1-transformers4.49.0-gpu-py311-cu124-ubuntu22.04", True),
    Image("inference", "4.49.0", "cpu", "2.6.0", "2.6.0-transformers4.49.0-cpu-py312-ubuntu22.04", False),
)


def account(region: str) -> str:
    """The AWS account that owns the images in `region`.

    Raises:
        ValueError: for a region that is not in the table.
    """
    if region not in _ACCOUNTS:
        raise ValueError(f"has no known Hugging Face images; allowed: {', '.join(sorted(_ACCOUNTS))}")
    return _ACCOUNTS[region]


def find(transformers: str, job: Job, processor: Processor) -> Image:
    """The image with that version of transformers.

    Raises:
        ValueError: when none is published.
    """
    for image in _IMAGES:
        if (image.transformers, image.job, image.processor) == (transformers, job, processor):
            return image
    versions = sorted({i.transformers for i in _IMAGES if (i.job, i.processor) == (job, processor)})
    raise ValueError(
        f"transformers {transformers} has no {processor} {job} image; allowed: {', '.join(versions)}"
    )


def has_gpu(instance_type: str) -> bool:
    """Whether instances of this type (`ml.p3.2xlarge`) carry a GPU."""
    return instance_type.split(".")[1].startswith(_GPU_FAMILIES)


def check_training(transformers: str, instance_type: str) -> None:
    """Refuse a training job whose image does not run on its instances.

    Raises:
        ValueError: saying which of the two to change.
    """
    image = find(transformers, "training", "gpu")
    if not has_gpu(instance_type):
        raise ValueError(
            f"instance_type {instance_type} has no GPU, and Hugging Face's training images need one; "
            "allowed: ml.p3.2xlarge, ml.g5.xlarge and the like"
        )
    if instance_type.startswith("ml.p3.") and not image.runs_on_v100:
        raise ValueError(
            f"transformers {transformers}: its image does not run on the V100 of {instance_type}; "
            "choose transformers 4.49.0 or an ml.g5 instance"
        )
