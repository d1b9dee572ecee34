"""The Hugging Face images on Amazon ECR: which exist, and where each one runs.

Rows and accounts: https://github.com/aws/sagemaker-python-sdk, `image_uri_config/huggingface.json`
(2.251.0). Where a GPU image runs depends on what its PyTorch was built for: with CUDA 12.4 that is
sm_50 to sm_90, the V100 of ml.p3 among them and the B200 of ml.p6 not; CUDA 13 leaves out the V100.
https://github.com/pytorch/pytorch/blob/main/RELEASE.md#pytorch-cuda-support-matrix
All images are for x86-64.
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
_CPU_FAMILIES = ("c5", "c6i", "c7i", "m5", "m6i", "m7i", "r5")
_SM50_TO_SM90_FAMILIES = ("p3", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "g4dn", "g5", "g6", "g6e")


@dataclass(frozen=True)
class Image:
    """One published image."""

    job: Job
    transformers: str
    processor: Processor
    pytorch: str
    tag: str
    families: tuple[str, ...]
    """Families of the instances that it runs on."""

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
    Image(
        "training",
        "4.49.0",
        "gpu",
        "2.5.1",
        "2.5.1-transformers4.49.0-gpu-py311-cu124-ubuntu22.04",
        _SM50_TO_SM90_FAMILIES,
    ),
    Image(
        "inference", "4.49.0", "cpu", "2.6.0", "2.6.0-transformers4.49.0-cpu-py312-ubuntu22.04", _CPU_FAMILIES
    ),
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


def check_instance(image: Image, instance_type: str) -> None:
    """Refuse an instance type (`ml.p3.2xlarge`) that the image does not run on.

    Raises:
        ValueError: naming the families that it does run on.
    """
    if instance_type.split(".")[1] not in image.families:
        raise ValueError(
            f"the {image.processor} {image.job} image of transformers {image.transformers} "
            "does not run there; "
            f"allowed: ml.<family>.<size> of the families {', '.join(image.families)}"
        )
