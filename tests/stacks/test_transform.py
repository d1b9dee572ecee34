from __future__ import annotations

import re

import pytest

from tests.stacks.evaluated import RUN, evaluate, evaluated, request
from tests.stacks.resolved import Environment

every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


@pytest.fixture
def environment(environments: dict[str, Environment], name: str) -> Environment:
    return environments[name]


@every_environment
def test_the_files_of_a_manifest_are_taken_from_below_incoming(environment: Environment) -> None:
    """An execution that could name any file of the bucket would have its reviews scored, and billed."""
    data = environment.physical_name("storage", "Data")
    files = [{"Key": "incoming/a.jsonl", "ETag": "1"}]
    manifest = request(environment, "transform", "WriteManifest", files=files)
    assert manifest["Body"] == [{"prefix": f"s3://{data}/incoming/"}, "a.jsonl"]
    source = request(environment, "transform", "Transform")["TransformInput"]["DataSource"]["S3DataSource"]
    assert source == {
        "S3DataType": "ManifestFile",
        "S3Uri": f"s3://{manifest['Bucket']}/{manifest['Key']}",
    }


@every_environment
@pytest.mark.parametrize(("round_", "redrives"), [(2, 0), (1, 1)])
def test_a_job_has_a_name_of_its_own(environment: Environment, round_: int, redrives: int) -> None:
    """SageMaker keeps the names of those that have ended."""
    # $hash is Step Functions' own; what is hashed is what differs.
    expression = environment.machines["transform"]["States"]["Transform"]["Arguments"]["TransformJobName"]
    hashed = re.sub(r"\$hash\((.*), 'MD5'\)", r"\1", expression)
    others = [
        evaluate(hashed, run=RUN, round=number, states={"context": {"Execution": {"RedriveCount": redriven}}})
        for number, redriven in ((1, 0), (round_, redrives))
    ]
    assert others[0] == f"{environment.settings.name('transform')}-{RUN}"
    assert others[1] != others[0]


@every_environment
def test_each_line_comes_back_with_its_answer(environment: Environment) -> None:
    """Without the input beside it an answer is nobody's: the outputs have no other key."""
    asks = request(environment, "transform", "Transform")
    assert asks["TransformInput"]["SplitType"] == asks["TransformOutput"]["AssembleWith"] == "Line"
    assert asks["DataProcessing"] == {"JoinSource": "Input"}
    # To join them, SageMaker wants the same type on both sides.
    both = {asks["TransformInput"]["ContentType"], asks["TransformOutput"]["Accept"]}
    assert both == {"application/jsonlines"}


@every_environment
def test_a_request_holds_many_lines(environment: Environment) -> None:
    """One at a time, a million lines are a million requests, and nothing is sorted by length."""
    assert request(environment, "transform", "Transform")["BatchStrategy"] == "MultiRecord"


@every_environment
def test_what_is_sent_at_a_time_is_what_sagemaker_takes(environment: Environment) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html"""
    asks = request(environment, "transform", "Transform")
    assert asks["MaxPayloadInMB"] * asks["MaxConcurrentTransforms"] <= 100


@every_environment
def test_a_request_of_many_lines_has_the_longest_time_that_there_is(environment: Environment) -> None:
    """The time that SageMaker gives by itself, ten minutes, ends a request of a larger model's."""
    config = request(environment, "transform", "Transform")["ModelClientConfig"]
    assert config == {"InvocationsTimeoutInSeconds": 3600}


def test_a_bad_line_is_reported_in_its_place_unless_the_settings_say_otherwise(
    environments: dict[str, Environment], variants: dict[str, Environment]
) -> None:
    assert request(environments["dev"], "transform", "Transform")["Environment"] == {"BAD_LINES": "report"}
    assert request(variants["batch"], "transform", "Transform")["Environment"] == {"BAD_LINES": "fail"}


@pytest.mark.parametrize(
    ("has_champion", "content_type", "strategy"),
    [(True, "application/jsonlines", "MultiRecord"), (False, "application/json", "SingleRecord")],
)
def test_a_model_of_the_hub_is_asked_as_the_toolkits_own_handler_understands(
    variants: dict[str, Environment], has_champion: bool, content_type: str, strategy: str
) -> None:
    """It knows no JSON Lines, and every batch before the first promotion would fail."""
    hub = variants["hub"] if has_champion else variants["hub"].without_champion()
    asks = request(hub, "transform", "Transform")
    assert asks["TransformInput"]["ContentType"] == asks["TransformOutput"]["Accept"] == content_type
    assert asks["BatchStrategy"] == strategy


@every_environment
def test_people_are_told_where_the_predictions_are(environment: Environment) -> None:
    asks = request(environment, "transform", "Transform")
    end = environment.machines["transform"]["States"]["Transformed"]["Output"]
    message = evaluated(end, total=2)["message"]
    assert asks["TransformOutput"]["S3OutputPath"].endswith("/predictions/")
    assert message.endswith(asks["TransformOutput"]["S3OutputPath"])


@every_environment
def test_people_are_told_which_files_have_no_predictions(environment: Environment) -> None:
    """The first ten: a message is read on a phone."""
    told = environment.machines["transform"]["States"]["TellFailed"]["Output"]
    failed = [f"incoming/{number}" for number in range(11)]
    few = evaluated(told, said="AlgorithmError: x", failed=failed[:2], total=3)["message"].splitlines()
    assert few[0] == "AlgorithmError: x"
    assert few[2] == "2 files have no predictions: incoming/0, incoming/1."
    assert few[3].startswith("3 others have theirs in s3://")
    many = evaluated(told, said="x", failed=failed, total=0)["message"]
    assert "incoming/9, …" in many
    assert "incoming/10" not in many


@every_environment
@pytest.mark.parametrize("quiet", [True, False])
@pytest.mark.parametrize("end", ["NothingNew", "Busy"])
def test_what_started_by_itself_and_found_nothing_to_do_is_not_told_of(
    environment: Environment, end: str, quiet: bool
) -> None:
    output = environment.machines["transform"]["States"][end]["Output"]
    assert evaluated(output, quiet=quiet)["quiet"] is quiet


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
