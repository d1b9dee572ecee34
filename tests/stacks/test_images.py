from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import Aws

from stacks import images

# What there is: an extract, of the versions that the table has, from the SageMaker Python SDK's
# https://github.com/aws/sagemaker-python-sdk/blob/a24812666d258d9d19c9a82d0c9385ca0bd3ba01/sagemaker-core/src/sagemaker/core/image_uri_config/huggingface.json
PUBLISHED = json.loads(Path(__file__).with_name("huggingface_images.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("image", images._IMAGES, ids=lambda image: f"{image.job}-{image.tag}")
@pytest.mark.parametrize("region", sorted(images.REGIONS))
def test_every_address_is_one_that_is_published(image: images.Image, region: str) -> None:
    row = PUBLISHED[image.job][image.transformers][f"pytorch{image.pytorch}"]
    registry = f"{row['registries'][region]}.dkr.ecr.{region}.amazonaws.com/{row['repository']}"
    (python,) = row["py_versions"]
    system = row["container_version"][image.processor]
    tag = f"{image.pytorch}-transformers{image.transformers}-{image.processor}-{python}-{system}"
    assert image.uri(region) == f"{registry}:{tag}"


@pytest.mark.parametrize("processor", ["cpu", "gpu"])
def test_every_inference_version_has_an_image_for_either_processor(processor: images.Processor) -> None:
    """Else `serving.processor` could not be switched."""
    versions = [image.transformers for image in images.published("inference", processor)]
    assert versions == list(PUBLISHED["inference"])


def test_the_tests_run_the_version_of_transformers_that_the_images_have() -> None:
    import transformers

    assert images.find(transformers.__version__, "training", "gpu")


def test_an_image_address_names_account_region_and_tag() -> None:
    assert images.find("4.49.0", "training", "gpu").uri("ap-northeast-2") == (
        "763104351884.dkr.ecr.ap-northeast-2.amazonaws.com/huggingface-pytorch-training:"
        "2.5.1-transformers4.49.0-gpu-py311-cu124-ubuntu22.04"
    )


def test_the_region_may_be_a_token() -> None:
    image = images.find("5.5.3", "inference", "cpu")
    assert image.uri(Aws.REGION).startswith(f"763104351884.dkr.ecr.{Aws.REGION}.amazonaws.com/")
    assert image.repository_arn(Aws.REGION) == (
        f"arn:aws:ecr:{Aws.REGION}:763104351884:repository/huggingface-pytorch-inference"
    )


def test_a_version_without_an_image_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(ValueError) as caught:
        images.find("4.56.2", "training", "gpu")
    assert str(caught.value) == "transformers 4.56.2 has no gpu training image; allowed: 4.49.0, 5.3.0"


def test_a_region_without_images_is_refused_with_those_that_have_them() -> None:
    with pytest.raises(ValueError, match="has no known Hugging Face images; allowed: ap-northeast-1, ap-"):
        images.check_region("us-gov-west-1")
    images.check_region("ap-northeast-2")


def test_an_image_whose_cuda_does_not_run_on_a_v100_is_refused() -> None:
    """A CUDA 13 image on ml.p3 starts, and fails at its first kernel, after the instance was paid for."""
    cuda13 = images.find("5.3.0", "training", "gpu")
    with pytest.raises(ValueError) as caught:
        images.check_instance(cuda13, "ml.p3.2xlarge")
    assert str(caught.value) == (
        "the gpu training image of transformers 5.3.0 (CUDA 13.0) does not run there; allowed: "
        "ml.<family>.<size> of the families g4dn, g5, g6, g6e, p4d, p4de, p5, p5e, p5en"
    )
    images.check_instance(cuda13, "ml.g4dn.xlarge")  # T4, sm_75
    images.check_instance(images.find("4.49.0", "training", "gpu"), "ml.p3.2xlarge")
