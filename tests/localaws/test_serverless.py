from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import ECHO, archive
from tests.localaws.test_endpoints import at_rest, configure, create_model, echo_archive, invoke, variant

SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
# A model that takes its time.
SLOW = (
    ECHO
    + """
import time
quick = predict_fn
def predict_fn(data, model):
    time.sleep(2)
    return quick(data, model)
"""
)


@pytest.fixture(scope="module")
def endpoint(aws: LocalAws, bucket: str) -> str:
    body = archive(code__inference_py=SLOW, weights_txt="하나")
    configure(aws, bucket, "serverless", body, ServerlessConfig=SERVERLESS)
    aws.client("sagemaker").create_endpoint(EndpointName="serverless", EndpointConfigName="serverless")
    assert at_rest(aws, "serverless")["EndpointStatus"] == "InService"
    return "serverless"


def test_variant_is_described_with_its_serverless_configuration(aws: LocalAws, endpoint: str) -> None:
    [variant] = aws.client("sagemaker").describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == variant["DesiredServerlessConfig"] == SERVERLESS
    assert "DesiredInstanceCount" not in variant


def test_more_requests_than_its_concurrency_are_throttled(aws: LocalAws, endpoint: str) -> None:
    def ask(text: str) -> Any:
        try:
            return invoke(aws, endpoint, text)[0]["label"]
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, ["첫째", "둘째"]))
    assert sorted(answers, key=str) == [("ThrottlingException", 429), "하나"]
    assert ask("셋째") == "하나"


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
