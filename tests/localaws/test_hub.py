"""Models straight from the Hugging Face Hub, for which a folder stands in."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import INFERENCE_IMAGE, ROLE
from tests.localaws.test_endpoints import at_rest, invoke, variant


def serve(aws: LocalAws, name: str, model_id: str) -> dict[str, Any]:
    """The endpoint, once it is in service or has failed."""
    client = aws.client("sagemaker")
    environment = {"HF_MODEL_ID": model_id, "HF_MODEL_REVISION": "0" * 40, "HF_TASK": "text-classification"}
    container = {"Image": INFERENCE_IMAGE, "Environment": environment}
    client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant(name)])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return at_rest(aws, name)


@pytest.fixture(scope="module")
def endpoint(aws: LocalAws) -> str:
    found = serve(aws, "hub", "team/korean")
    assert found["EndpointStatus"] == "InService", found["FailureReason"]
    return "hub"


def test_model_of_the_hub_answers_as_the_toolkits_own_handler(aws: LocalAws, endpoint: str) -> None:
    (answer,) = invoke(aws, endpoint, "정말 재미있어요")
    assert answer["label"].startswith("LABEL_")
    assert 0.5 <= answer["score"] <= 1


def test_parameters_are_the_pipelines(aws: LocalAws, endpoint: str) -> None:
    answer = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint,
        ContentType="application/json",
        Body='{"inputs": "좋아요", "parameters": {"top_k": null}}'.encode(),
    )
    assert answer["Body"].read().count(b'"label"') == 2


def test_what_the_toolkits_own_handler_does_not_read_is_an_error_of_the_client(
    aws: LocalAws, endpoint: str
) -> None:
    with pytest.raises(ClientError) as raised:
        invoke(aws, endpoint, "좋아요", "application/jsonlines")
    assert raised.value.response["OriginalStatusCode"] == 400


@pytest.mark.parametrize("model_id", ["team/nothing", "../korean", "team/../team/korean"])
def test_model_that_the_hub_has_not_fails_by_name(aws: LocalAws, name: str, model_id: str) -> None:
    failed = serve(aws, name, model_id)
    assert failed["EndpointStatus"] == "Failed"
    assert f"has no {model_id}/config.json" in failed["FailureReason"]


def test_without_a_hub_its_model_fails_and_says_what_to_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("LOCALAWS_HUB", raising=False)
    with LocalAws.start() as aws:
        reason = serve(aws, name, "team/korean")["FailureReason"]
    assert "no Hugging Face Hub to take the model 'team/korean' from" in reason
    assert "LOCALAWS_HUB" in reason
