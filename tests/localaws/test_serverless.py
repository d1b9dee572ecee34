import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import ECHO, IDLE_SECONDS, archive, logged, wait
from tests.localaws.test_endpoints import at_rest, configure, create_model, echo_archive, invoke, variant

SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
# A model that says which process it is in, takes its time for some texts, and too much memory for one.
MODEL = (
    ECHO
    + """
import time
print("instance", os.getpid(), flush=True)
quick = predict_fn
def predict_fn(data, model):
    if data == "천천히":
        time.sleep(1)
    if data == "크게":
        large = b"x" * 1200 * 2**20
        time.sleep(30)
    return quick(os.getpid() if data == "누구" else data, model)
"""
)


def serve(aws: LocalAws, bucket: str, name: str, body: str = MODEL, **config: int) -> dict[str, Any]:
    """The endpoint, once it is in service or has failed."""
    body_of = archive(code__inference_py=body, weights_txt="하나")
    configure(aws, bucket, name, body_of, ServerlessConfig=SERVERLESS | config)
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    return at_rest(aws, name)


@pytest.fixture(scope="module")
def endpoint(aws: LocalAws, bucket: str) -> str:
    assert serve(aws, bucket, "serverless")["EndpointStatus"] == "InService"
    return "serverless"


def instance(aws: LocalAws, endpoint: str) -> int:
    """Process id of what answers."""
    return int(invoke(aws, endpoint, "누구")[0]["text"])


def started(aws: LocalAws, endpoint: str) -> list[int]:
    """Process ids of all that there have been."""
    lines = logged(aws, f"/aws/sagemaker/Endpoints/{endpoint}", "primary/")
    return [int(found[1]) for line in lines if (found := re.fullmatch(r"instance (\d+)", line))]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ask(aws: LocalAws, endpoint: str, text: str) -> Any:
    """The answer's label, or code and status of an error."""
    try:
        return invoke(aws, endpoint, text)[0]["label"]
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_variant_is_described_with_its_serverless_configuration(aws: LocalAws, endpoint: str) -> None:
    [variant] = aws.client("sagemaker").describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == variant["DesiredServerlessConfig"] == SERVERLESS
    assert "DesiredInstanceCount" not in variant


def test_model_is_tried_when_the_endpoint_is_made_and_nothing_is_left_running(
    aws: LocalAws, bucket: str, name: str
) -> None:
    serve(aws, bucket, name)
    [tried] = wait(lambda: started(aws, name))
    assert not runs(tried)


def test_instance_starts_with_a_request_and_stops_when_nobody_asks(aws: LocalAws, endpoint: str) -> None:
    first = instance(aws, endpoint)
    assert runs(first)
    wait(lambda: not runs(first))
    assert instance(aws, endpoint) != first


def test_warm_instance_answers_again(aws: LocalAws, endpoint: str) -> None:
    assert instance(aws, endpoint) == instance(aws, endpoint)


def test_provisioned_instance_is_there_before_the_first_request_and_stays(
    aws: LocalAws, bucket: str, name: str
) -> None:
    serve(aws, bucket, name, ProvisionedConcurrency=1)
    [provisioned] = wait(lambda: started(aws, name))
    time.sleep(2 * IDLE_SECONDS)
    assert instance(aws, name) == provisioned


def test_requests_at_a_time_have_an_instance_each(aws: LocalAws, bucket: str, name: str) -> None:
    serve(aws, bucket, name, MaxConcurrency=2)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda text: ask(aws, name, text), ["천천히"] * 2)) == ["하나"] * 2
    assert len(set(wait(lambda: started(aws, name)[1:]))) == 2


def test_more_requests_than_its_concurrency_are_throttled(aws: LocalAws, endpoint: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda text: ask(aws, endpoint, text), ["천천히"] * 2))
    assert sorted(answers, key=str) == [("ThrottlingException", 429), "하나"]
    assert ask(aws, endpoint, "셋째") == "하나"


@pytest.fixture
def out_of_memory(aws: LocalAws, bucket: str, name: str) -> ClientError:
    """What is answered by an endpoint whose instance takes more than its memory."""
    serve(aws, bucket, name, MemorySizeInMB=1024)
    with pytest.raises(ClientError) as raised:
        invoke(aws, name, "크게")
    return raised.value


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is not enforced without /proc")
def test_instance_over_its_memory_is_killed_and_the_next_request_has_another(
    aws: LocalAws, out_of_memory: ClientError, name: str
) -> None:
    error = out_of_memory.response
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 500)
    assert "Worker died" in error["OriginalMessage"]
    log = wait(lambda: "\n".join(logged(aws, f"/aws/sagemaker/Endpoints/{name}", "primary/")))
    assert re.search(r"Out of memory: killed at \d+ MB, with MemorySizeInMB at 1024", log)
    assert ask(aws, name, "작게") == "하나"


def test_model_that_cannot_be_loaded_makes_no_endpoint(aws: LocalAws, bucket: str, name: str) -> None:
    failed = serve(aws, bucket, name, "raise SystemExit('no such model')")
    assert failed["EndpointStatus"] == "Failed"
    assert "no such model" in failed["FailureReason"]


def test_failed_update_leaves_the_old_model_serving(aws: LocalAws, bucket: str, name: str) -> None:
    serve(aws, bucket, name)
    configure(aws, bucket, f"{name}-2", b"broken", ServerlessConfig=SERVERLESS)
    aws.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2")
    after = at_rest(aws, name)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", name)
    assert "Failed to extract" in after["FailureReason"]
    assert ask(aws, name, "여전히") == "하나"


def test_update_under_load_fails_no_request(aws: LocalAws, bucket: str, name: str) -> None:
    """The old model is deleted as soon as the new one serves, as CloudFormation does."""
    client = aws.client("sagemaker")
    serve(aws, bucket, name, MaxConcurrency=3)
    body = archive(code__inference_py=MODEL, weights_txt="둘")
    more = {"ServerlessConfig": SERVERLESS | {"MaxConcurrency": 3}}
    configure(aws, bucket, f"{name}-2", body, **more)
    labels: list[Any] = []
    updated: list[bool] = []

    def asking() -> None:
        deadline = time.monotonic() + 30
        while (not updated or labels[-1:] != ["둘"]) and time.monotonic() < deadline:
            labels.append(ask(aws, name, "천천히"))

    with ThreadPoolExecutor(2) as pool:
        users = [pool.submit(asking) for _ in range(2)]
        client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2")
        at_rest(aws, name)
        client.delete_model(ModelName=name)
        updated.append(True)
    assert [user.result() for user in users] == [None, None]
    assert set(labels) == {"하나", "둘"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 1}}, "multiple of 1024"),
        ({"ServerlessConfig": {**SERVERLESS, "ProvisionedConcurrency": 2}}, "more than MaxConcurrency"),
        ({"ServerlessConfig": SERVERLESS, "InstanceType": "ml.m5.large"}, "cannot have InstanceType"),
    ],
)
def test_serverless_configuration_that_cannot_be_is_refused(
    aws: LocalAws, bucket: str, name: str, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=rf"ValidationException.*{message}"):
        configure(aws, bucket, name, echo_archive("하나"), **more)


def test_variant_of_neither_kind_is_refused(aws: LocalAws, bucket: str, name: str) -> None:
    create_model(aws, bucket, name, echo_archive("하나"))
    with pytest.raises(
        ClientError, match="needs InstanceType and InitialInstanceCount, or a ServerlessConfig"
    ):
        aws.client("sagemaker").create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{"VariantName": "primary", "ModelName": name}]
        )


def test_encrypted_serverless_configuration_is_taken_and_one_that_captures_refused(
    aws: LocalAws, bucket: str, name: str
) -> None:
    client = aws.client("sagemaker")
    create_model(aws, bucket, name, echo_archive("하나"))
    config = {"ProductionVariants": [variant(name, ServerlessConfig=SERVERLESS)], "KmsKeyId": "alias/nunchi"}
    client.create_endpoint_config(EndpointConfigName=name, **config)
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    with pytest.raises(ClientError, match="do not support data capture"):
        client.create_endpoint_config(EndpointConfigName=f"{name}-2", DataCaptureConfig=capture, **config)


def test_isolated_model_is_refused(aws: LocalAws, bucket: str, name: str) -> None:
    create_model(aws, bucket, name, echo_archive("하나"), EnableNetworkIsolation=True)
    with pytest.raises(ClientError, match="do not support the EnableNetworkIsolation"):
        aws.client("sagemaker").create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant(name, ServerlessConfig=SERVERLESS)]
        )


@pytest.mark.parametrize(("bytes_more", "status"), [(0, 424), (1, 413)])
def test_body_over_four_megabytes_is_refused(
    aws: LocalAws, endpoint: str, bytes_more: int, status: int
) -> None:
    with pytest.raises(ClientError) as raised:
        aws.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="application/json", Body=b"[" * (4 * 2**20 + bytes_more)
        )
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
