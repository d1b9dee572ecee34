from __future__ import annotations

import json
from pathlib import Path

import pytest

from stacks import images

# What there is, by an extract from the SageMaker Python SDK 2.251.0:
# https://github.com/aws/sagemaker-python-sdk/blob/v2.251.0/src/sagemaker/image_uri_config/huggingface.json
PUBLISHED = json.loads(Path(__file__).with_name("huggingface_images.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("image", images._IMAGES, ids=lambda image: image.tag)
@pytest.mark.parametrize("region", sorted(images._ACCOUNTS))
def test_every_address_is_one_that_is_published(image: images.Image, region: str) -> None:
    row = PUBLISHED[image.job][image.transformers][f"pytorch{image.pytorch}"]
    registry = f"{row['registries'][region]}.dkr.ecr.{region}.amazonaws.com/{row['repository']}"
    (python,) = row["py_versions"]
    system = row["container_version"][image.processor]
    tag = f"{image.pytorch}-transformers{image.transformers}-{image.processor}-{python}-{system}"
    assert image.uri(region) == f"{registry}:{tag}"


def test_every_training_image_has_an_inference_image_of_its_version() -> None:
    """Train and serve with the same code: a model saved by one version may not load in another."""
    versions: dict[str, set[str]] = {"training": set(), "inference": set()}
    for image in images._IMAGES:
        versions[image.job].add(image.transformers)
    assert versions["training"] == versions["inference"]


def test_the_tests_run_the_version_of_transformers_that_the_images_have() -> None:
    import transformers

    assert images.find(transformers.__version__, "training", "gpu")


def test_an_image_address_names_account_region_and_tag() -> None:
    assert images.find("4.49.0", "training", "gpu").uri("ap-northeast-2") == (
        "763104351884.dkr.ecr.ap-northeast-2.amazonaws.com/huggingface-pytorch-training:"
        "2.5.1-transformers4.49.0-gpu-py311-cu124-ubuntu22.04"
    )


def test_an_image_whose_cuda_does_not_run_on_a_v100_is_refused() -> None:
    """A CUDA 13 image on ml.p3 starts, and fails at its first kernel, after the instance was paid for."""
    cuda13 = images.Image("training", "5.3.0", "gpu", "2.9.0", "cu130", families=("g5", "g6"))
    with pytest.raises(ValueError, match=r"transformers 5\.3\.0 does not run there; allowed: .* g5, g6"):
        images.check_instance(cuda13, "ml.p3.2xlarge")
