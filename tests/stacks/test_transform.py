from __future__ import annotations

import pytest

from tests.stacks.evaluated import RUN, request
from tests.stacks.resolved import Environment

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


@pytest.fixture
def environment(environments: dict[str, Environment], name: str) -> Environment:
    return environments[name]


@every_environment
@pytest.mark.parametrize("prefix", ["", "2027/"])
def test_files_are_taken_from_below_their_prefix_of_the_data_bucket(
    environment: Environment, prefix: str
) -> None:
    """An execution that could name any file of the bucket would have its reviews scored, and billed."""
    source = request(environment, "transform", "Transform", prefix=prefix)["TransformInput"]["DataSource"]
    data = environment.physical_name("storage", "Data")
    assert source["S3DataSource"]["S3Uri"] == f"s3://{data}/incoming/{prefix}"


@every_environment
def test_each_line_is_a_request_and_comes_back_with_its_answer(environment: Environment) -> None:
    """Without the input beside it an answer is nobody's: the outputs have no other key."""
    asks = request(environment, "transform", "Transform")
    assert (asks["BatchStrategy"], asks["TransformInput"]["SplitType"]) == ("SingleRecord", "Line")
    assert asks["TransformOutput"]["AssembleWith"] == "Line"
    assert asks["DataProcessing"] == {"JoinSource": "Input"}
    # To join them, SageMaker wants the same type on both sides.
    assert asks["TransformInput"]["ContentType"] == asks["TransformOutput"]["Accept"] == "application/json"


@every_environment
def test_people_are_told_where_the_predictions_are(environment: Environment) -> None:
    asks = request(environment, "transform", "Transform")
    message = request(environment, "transform", "NotifyTransformed")["Message"]
    assert asks["TransformOutput"]["S3OutputPath"].endswith(f"/predictions/{RUN}/")
    assert message.endswith(asks["TransformOutput"]["S3OutputPath"])


@every_environment
def test_the_instances_are_the_settings(environment: Environment) -> None:
    batch = environment.settings.serving.batch
    assert batch
    resources = request(environment, "transform", "Transform")["TransformResources"]
    assert (resources["InstanceType"], resources["InstanceCount"]) == (
        batch.instance_type,
        batch.instance_count,
    )


@every_environment
def test_a_transform_that_never_ends_is_stopped(environment: Environment) -> None:
    """A transform job has no longest time of its own."""
    batch = environment.settings.serving.batch
    assert batch
    state = environment.machines["transform"]["States"]["Transform"]
    assert state["TimeoutSeconds"] == batch.max_runtime_seconds
