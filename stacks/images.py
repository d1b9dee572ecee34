"""The Hugging Face images on Amazon ECR: which exist, and where each one runs.

Rows, account and regions: https://github.com/aws/sagemaker-python-sdk at commit a24812666d25,
`sagemaker-core/src/sagemaker/core/image_uri_config/huggingface.json`. Where a GPU image runs depends on
what its PyTorch was built for: with CUDA 12.4 that is sm_50 to sm_90, the V100 of ml.p3 among them and
the B200 of ml.p6 not; with CUDA 13.0 it begins at sm_75, the T4 of ml.g4dn.
https://github.com/pytorch/pytorch/blob/main/RELEASE.md#pytorch-cuda-support-matrix
https://github.com/pytorch/pytorch/pull/164471 (the matrix of PyTorch 2.9)
All images are for x86-64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Job = Literal["training", "inference"]
Processor = Literal["cpu", "gpu"]

REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-southeast-1",
        "eu-central-1",
        "eu-west-1",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    }
)
"""The regions that Nunchi is for."""
ACCOUNT = "763104351884"
"""The AWS account that owns the images in each of them."""

_SINCE_SM75 = ("g4dn", "g5", "g6", "g6e", "p4d", "p4de", "p5", "p5e", "p5en")
_FAMILIES = {
    None: ("c5", "c6i", "c7i", "m5", "m6i", "m7i", "r6i", "r7i"),
    "12.4": ("p3", "p3dn", *_SINCE_SM75),
    "13.0": _SINCE_SM75,
}


@dataclass(frozen=True)
class Image:
    """One published image."""

    job: Job
    transformers: str
    pytorch: str
    python: str
    """As tags have it: `py312`."""
    cuda: str | None
    """None: an image for CPUs."""

    @property
    def processor(self) -> Processor:
        """What it computes on."""
        return "gpu" if self.cuda else "cpu"

    @property
    def families(self) -> tuple[str, ...]:
        """Families of the instances that it runs on."""
        return _FAMILIES[self.cuda]

    @property
    def tag(self) -> str:
        """Its tag in the repository."""
        cuda = f"cu{self.cuda.replace('.', '')}-" if self.cuda else ""
        return (
            f"{self.pytorch}-transformers{self.transformers}-{self.processor}-{self.python}-{cuda}ubuntu22.04"
        )

    @property
    def repository(self) -> str:
        """Name of the ECR repository."""
        return f"huggingface-pytorch-{self.job}"

    def repository_arn(self, region: str) -> str:
        """The repository's ARN in `region`, which may be a token, for policies."""
        return f"arn:aws:ecr:{region}:{ACCOUNT}:repository/{self.repository}"

    def uri(self, region: str) -> str:
        """The image's address in the registry of `region`, which may be a token."""
        return f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com/{self.repository}:{self.tag}"

    def __str__(self) -> str:
        """For people: `the gpu training image of transformers 5.3.0 (CUDA 13.0)`."""
        cuda = f" (CUDA {self.cuda})" if self.cuda else ""
        return f"the {self.processor} {self.job} image of transformers {self.transformers}{cuda}"


_IMAGES = (
    Image("training", "4.49.0", "2.5.1", "py311", cuda="12.4"),
    Image("training", "5.3.0", "2.9.0", "py312", cuda="13.0"),
    Image("inference", "4.49.0", "2.6.0", "py312", cuda=None),
    Image("inference", "4.49.0", "2.6.0", "py312", cuda="12.4"),
    Image("inference", "4.51.3", "2.6.0", "py312", cuda=None),
    Image("inference", "4.51.3", "2.6.0", "py312", cuda="12.4"),
    Image("inference", "5.5.3", "2.6.0", "py312", cuda=None),
    Image("inference", "5.5.3", "2.6.0", "py312", cuda="12.4"),
)


def published(job: Job, processor: Processor) -> Iterator[Image]:
    """The images for that job on that processor, oldest first."""
    return (image for image in _IMAGES if (image.job, image.processor) == (job, processor))


def find(transformers: str, job: Job, processor: Processor) -> Image:
    """The image with that version of transformers.

    Raises:
        ValueError: when none is published.
    """
    for image in published(job, processor):
        if image.transformers == transformers:
            return image
    versions = ", ".join(image.transformers for image in published(job, processor))
    raise ValueError(f"transformers {transformers} has no {processor} {job} image; allowed: {versions}")


def check_region(region: str) -> None:
    """Refuse a region that is not in the table.

    Raises:
        ValueError: naming those that are.
    """
    if region not in REGIONS:
        raise ValueError(f"has no known Hugging Face images; allowed: {', '.join(sorted(REGIONS))}")


def check_instance(image: Image, instance_type: str) -> None:
    """Refuse an instance type (`ml.p3.2xlarge`) that the image does not run on.

    Raises:
        ValueError: naming the families that it does run on.
    """
    if instance_type.split(".")[1] not in image.families:
        raise ValueError(
            f"{image} does not run there; "
            f"allowed: ml.<family>.<size> of the families {', '.join(image.families)}"
        )
