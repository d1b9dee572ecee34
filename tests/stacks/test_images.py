from __future__ import annotations

import pytest

from stacks import images


def test_training_and_inference_have_one_version_of_transformers() -> None:
    """Train and serve with the same code: a model saved by one version may not load in another."""
    training = images.find("4.49.0", "training", "gpu")
    inference = images.find("4.49.0", "inference", "cpu")
    assert training.transformers == inference.transformers


def test_the_tests_run_the_version_of_transformers_that_the_images_have() -> None:
    import transformers

    assert images.find(transformers.__version__, "training", "gpu")


def test_an_image_address_names_account_region_and_tag() -> None:
    assert images.find("4.49.0", "training", "gpu").uri("ap-northeast-2") == (
        "763104351884.dkr.ecr.ap-northeast-2.amazonaws.com/huggingface-pytorch-training:"
        "2.5.1-transformers4.49.0-gpu-py311-cu124-ubuntu22.04"
    )


@pytest.mark.parametrize(
    ("instance_type", "gpu"),
    [("ml.p3.2xlarge", True), ("ml.g5.xlarge", True), ("ml.m5.large", False), ("ml.c5.xlarge", False)],
)
def test_instances_with_a_gpu_are_told_from_others(instance_type: str, gpu: bool) -> None:
    assert images.has_gpu(instance_type) is gpu


def test_an_image_whose_cuda_does_not_run_on_a_v100_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CUDA 13 image on ml.p3 starts, and fails at its first kernel, after the instance was paid for."""
    cuda13 = images.Image("training", "5.3.0", "gpu", "2.9.0", "cu130", runs_on_v100=False)
    monkeypatch.setattr(images, "_IMAGES", (cuda13,))
    with pytest.raises(ValueError, match=r"does not run on the V100 of ml\.p3\.2xlarge; choose"):
        images.check_training("5.3.0", "ml.p3.2xlarge")
