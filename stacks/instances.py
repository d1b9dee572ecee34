"""The SageMaker instance types that the images run on, and what SageMaker has each of them for.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html (training)
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html (endpoints)
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformResources.html (batch transform)
Which of them a region offers, and how many an account may have, only AWS can say.
"""

from __future__ import annotations

import difflib
from typing import Literal

Use = Literal["training", "processing", "endpoint", "transform"]

_GENERATION_6 = (
    "large",
    "xlarge",
    "2xlarge",
    "4xlarge",
    "8xlarge",
    "12xlarge",
    "16xlarge",
    "24xlarge",
    "32xlarge",
)
_GENERATION_7 = (
    "large",
    "xlarge",
    "2xlarge",
    "4xlarge",
    "8xlarge",
    "12xlarge",
    "16xlarge",
    "24xlarge",
    "48xlarge",
)
_G4 = ("xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_G5_AND_ON = (*_G4, "24xlarge", "48xlarge")

SIZES = {
    "c5": ("large", "xlarge", "2xlarge", "4xlarge", "9xlarge", "18xlarge"),
    "c6i": _GENERATION_6,
    "c7i": _GENERATION_7,
    "m5": ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge"),
    "m6i": _GENERATION_6,
    "m7i": _GENERATION_7,
    "r6i": _GENERATION_6,
    "r7i": _GENERATION_7,
    "p3": ("2xlarge", "8xlarge", "16xlarge"),
    "p3dn": ("24xlarge",),
    "p4d": ("24xlarge",),
    "p4de": ("24xlarge",),
    "p5": ("4xlarge", "48xlarge"),
    "p5e": ("48xlarge",),
    "p5en": ("48xlarge",),
    "g4dn": _G4,
    "g5": _G5_AND_ON,
    "g6": _G5_AND_ON,
    "g6e": _G5_AND_ON,
}
"""Each family's sizes."""

_ONLY_FOR: dict[str, tuple[Use, ...]] = {
    "ml.c5.large": ("endpoint",),
    "ml.c6i.large": ("endpoint", "transform"),
    "ml.p3dn.24xlarge": ("training",),
    "ml.p4d.24xlarge": ("training", "endpoint"),
    "ml.p4de.24xlarge": ("training", "endpoint"),
    "ml.p5.4xlarge": ("training", "processing", "endpoint"),
    "ml.p5.48xlarge": ("training", "endpoint"),
    "ml.p5e.48xlarge": ("training", "endpoint"),
    "ml.p5en.48xlarge": ("training", "endpoint"),
}
"""Those that are not for everything."""

_IN_WORDS: dict[Use, str] = {
    "training": "training jobs",
    "processing": "processing jobs",
    "endpoint": "endpoints",
    "transform": "batch transform",
}
# NVMe disks: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/InstanceStorage.html
_WITH_LOCAL_STORAGE = ("p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "g4dn", "g5", "g6", "g6e")
# https://aws.amazon.com/ec2/instance-types/ (accelerated computing)
_SEVERAL_GPUS = {
    "p3": {"8xlarge": 4, "16xlarge": 8},
    "p3dn": {"24xlarge": 8},
    "p4d": {"24xlarge": 8},
    "p4de": {"24xlarge": 8},
    "p5": {"48xlarge": 8},
    "p5e": {"48xlarge": 8},
    "p5en": {"48xlarge": 8},
    "g4dn": {"12xlarge": 4},
    "g5": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6e": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
}


def types_for(use: Use) -> list[str]:
    """The instance types that SageMaker has for `use`."""
    return [
        f"ml.{family}.{size}"
        for family, sizes in SIZES.items()
        for size in sizes
        if use in _ONLY_FOR.get(f"ml.{family}.{size}", (use,))
    ]


def check_exists(value: str) -> str:
    """`value`, when it is the name of an instance type of the table.

    Raises:
        ValueError: with the nearest name, or with what there is.
    """
    known = [f"ml.{family}.{size}" for family, sizes in SIZES.items() for size in sizes]
    if value in known:
        return value
    family = value.removeprefix("ml.").split(".")[0]
    if sizes := SIZES.get(family):
        known = [f"ml.{family}.{size}" for size in sizes]
        allowed = f"allowed: {', '.join(known)}"
    else:
        allowed = f"allowed: ml.<family>.<size> of the families {', '.join(SIZES)}"
    # Any two names share ml. and most share a size: only a slip of the hand is nearer than 0.85.
    close = difflib.get_close_matches(value, known, n=1, cutoff=0.85)
    raise ValueError(
        "is not a SageMaker instance type that the images run on; "
        + (f"did you mean {close[0]}?" if close else allowed)
    )


def check_use(instance_type: str, use: Use) -> None:
    """Refuse an instance type of the table that SageMaker does not have for `use`.

    Raises:
        ValueError: with what it is for, and the others of its family or its kind.
    """
    uses = _ONLY_FOR.get(instance_type, (use,))
    if use not in uses:
        family = instance_type.split(".")[1]
        others = [other for other in types_for(use) if other.split(".")[1] == family]
        families = dict.fromkeys(other.split(".")[1] for other in types_for(use))
        raise ValueError(
            f"SageMaker has it for {' and '.join(_IN_WORDS[each] for each in uses)} only; "
            f"allowed for {_IN_WORDS[use]}: "
            + (", ".join(others) or f"ml.<family>.<size> of the families {', '.join(families)}")
        )


def has_local_storage(instance_type: str) -> bool:
    """Whether its storage is disks of its own, which encrypt themselves.

    With one, SageMaker refuses a `VolumeKmsKeyId` of a job, and the `KmsKeyId` of an endpoint
    configuration does nothing for them, or is refused as well.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
    """
    return instance_type.split(".")[1] in _WITH_LOCAL_STORAGE


def gpus(instance_type: str) -> int:
    """How many GPUs an instance has, of a type that has any."""
    family, size = instance_type.split(".")[1:]
    return _SEVERAL_GPUS.get(family, {}).get(size, 1)
