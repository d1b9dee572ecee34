from __future__ import annotations

import botocore.session
import pytest

from stacks import images, instances

# The judge: the enumerations in botocore's own model of SageMaker.
SHAPES: dict[instances.Use, str] = {
    "training": "TrainingInstanceType",
    "processing": "ProcessingInstanceType",
    "endpoint": "ProductionVariantInstanceType",
    "transform": "TransformInstanceType",
}


@pytest.fixture(scope="module")
def sagemaker() -> dict[str, set[str]]:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return {use: set(model.shape_for(shape).enum) for use, shape in SHAPES.items()}


@pytest.mark.parametrize("use", SHAPES)
def test_the_table_has_what_sagemaker_has_of_each_family(
    use: instances.Use, sagemaker: dict[str, set[str]]
) -> None:
    of_our_families = {name for name in sagemaker[use] if name.split(".")[1] in instances.SIZES}
    assert set(instances.types_for(use)) == of_our_families


def test_the_table_has_nothing_that_is_for_nothing() -> None:
    everything = {f"ml.{family}.{size}" for family, sizes in instances.SIZES.items() for size in sizes}
    assert everything == {name for use in SHAPES for name in instances.types_for(use)}


def test_the_table_has_the_families_that_the_images_run_on() -> None:
    assert set(instances.SIZES) == {family for image in images._IMAGES for family in image.families}


def test_the_fields_that_take_an_instance_type_take_those_of_the_table() -> None:
    assert instances.check_exists("ml.p3.2xlarge") == "ml.p3.2xlarge"
    assert instances.check_exists("ml.c5.large") == "ml.c5.large"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("p3.2xlarge", "did you mean ml.p3.2xlarge?"),
        ("ml.p3.2xlage", "did you mean ml.p3.2xlarge?"),
        ("ml.p32xlarge", "did you mean ml.p3.2xlarge?"),
        ("ml.g5.8xlarg", "did you mean ml.g5.8xlarge?"),
        ("ml.c5.24xlarge", "did you mean ml.c5.4xlarge?"),
        ("ml.p3.huge", "allowed: ml.p3.2xlarge, ml.p3.8xlarge, ml.p3.16xlarge"),
        ("ml.inf2.xlarge", "allowed: ml.<family>.<size> of the families c5, c6i, c7i, m5,"),
        ("ml.p6-b200.48xlarge", "allowed: ml.<family>.<size> of the families c5,"),
        ("", "allowed: ml.<family>.<size> of the families c5,"),
    ],
)
def test_any_other_is_refused_with_the_nearest_or_with_what_there_is(value: str, hint: str) -> None:
    with pytest.raises(ValueError) as caught:
        instances.check_exists(value)
    assert str(caught.value).startswith(f"is not a SageMaker instance type that the images run on; {hint}")


@pytest.mark.parametrize(
    ("instance_type", "use", "message"),
    [
        (
            "ml.c5.large",
            "processing",
            "SageMaker has it for endpoints only; allowed for processing jobs: "
            "ml.c5.xlarge, ml.c5.2xlarge, ml.c5.4xlarge, ml.c5.9xlarge, ml.c5.18xlarge",
        ),
        (
            "ml.p3dn.24xlarge",
            "endpoint",
            "SageMaker has it for training jobs only; allowed for endpoints: ml.<family>.<size> of the "
            "families c5, c6i, c7i, m5, m6i, m7i, r6i, r7i, p3, p4d, p4de, p5, p5e, p5en, g4dn, g5, g6, g6e",
        ),
    ],
)
def test_a_type_that_is_for_something_else_is_refused_with_what_is_allowed(
    instance_type: str, use: instances.Use, message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        instances.check_use(instance_type, use)
    assert str(caught.value) == message


def test_a_type_is_allowed_for_what_it_is_for() -> None:
    instances.check_use("ml.c5.large", "endpoint")
    instances.check_use("ml.c5.xlarge", "processing")
    instances.check_use("ml.p3dn.24xlarge", "training")


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        ("ml.p3.2xlarge", 1),
        ("ml.p3.8xlarge", 4),
        ("ml.p3.16xlarge", 8),
        ("ml.p4d.24xlarge", 8),
        ("ml.p5.4xlarge", 1),
        ("ml.p5.48xlarge", 8),
        ("ml.g4dn.12xlarge", 4),
        ("ml.g4dn.16xlarge", 1),
        ("ml.g5.24xlarge", 4),
        ("ml.g6e.48xlarge", 8),
    ],
)
def test_a_type_has_as_many_gpus_as_aws_says(instance_type: str, expected: int) -> None:
    """As the list of SageMaker's SDK has them, and EC2's page: image_uri_config/instance_gpu_info.json."""
    assert instances.gpus(instance_type) == expected


def test_the_types_with_several_gpus_exist() -> None:
    named = {f"ml.{family}.{size}" for family, sizes in instances._SEVERAL_GPUS.items() for size in sizes}
    assert named <= set(instances.types_for("training"))


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        ("ml.g4dn.xlarge", True),
        ("ml.g5.xlarge", True),
        ("ml.g6e.xlarge", True),
        ("ml.p3dn.24xlarge", True),
        ("ml.p4d.24xlarge", True),
        ("ml.p5.48xlarge", True),
        ("ml.p3.2xlarge", False),
        ("ml.m5.xlarge", False),
        ("ml.c6i.xlarge", False),
    ],
)
def test_local_storage_is_the_nvme_families(instance_type: str, expected: bool) -> None:
    assert instances.has_local_storage(instance_type) is expected
