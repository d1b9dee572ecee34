import base64
import json
import re
from typing import Any

import pytest

from localaws import LocalAws
from tests.localaws.helpers import wait
from tests.localaws.test_endpoints import at_rest, create_model, echo_archive, invoke, variant

TYPES = {"JsonContentTypes": ["application/json"], "CsvContentTypes": ["text/csv"]}
BOTH = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]


def capturing(aws: LocalAws, bucket: str, name: str, **more: Any) -> str:
    """An endpoint that captures its traffic; returns where it does."""
    client = aws.client("sagemaker")
    create_model(aws, bucket, name, echo_archive("하나"))
    config = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/captured",
        "CaptureOptions": BOTH,
        "KmsKeyId": "alias/nunchi",
        **more,
    }
    client.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant(name)], DataCaptureConfig=config
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert at_rest(aws, name)["EndpointStatus"] == "InService"
    return f"captured/{name}/primary/"


def captured(aws: LocalAws, bucket: str, prefix: str) -> dict[str, Any]:
    """Key and content of all that is captured."""
    s3 = aws.client("s3")
    items = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    bodies = {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in items}
    return {key: json.loads(body) for key, body in bodies.items()}


def test_invocation_is_captured_as_model_monitor_reads_it(aws: LocalAws, bucket: str, name: str) -> None:
    prefix = capturing(aws, bucket, name, CaptureContentTypeHeader=TYPES)
    invoke(aws, name, "좋아요", "application/json; charset=utf-8")
    [(key, line)] = wait(lambda: captured(aws, bucket, prefix)).items()
    event = line["eventMetadata"]
    assert re.fullmatch(
        rf"\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-{event['eventId']}\.jsonl", key.removeprefix(prefix)
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["inferenceTime"])
    assert line["eventVersion"] == "0"
    assert line["captureData"] == {
        "endpointInput": {
            "observedContentType": "application/json; charset=utf-8",
            "mode": "INPUT",
            "data": '{"inputs": "좋아요"}',
            "encoding": "JSON",
        },
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": '[{"label": "하나", "text": "좋아요"}]',
            "encoding": "JSON",
        },
    }


def test_what_is_not_said_to_be_text_is_base64(aws: LocalAws, bucket: str, name: str) -> None:
    prefix = capturing(aws, bucket, name, CaptureOptions=BOTH[:1])
    invoke(aws, name, "좋아요")
    [line] = wait(lambda: captured(aws, bucket, prefix)).values()
    [(part, payload)] = line["captureData"].items()
    assert (part, payload["encoding"]) == ("endpointInput", "BASE64")
    assert json.loads(base64.b64decode(payload["data"])) == {"inputs": "좋아요"}


@pytest.mark.parametrize("more", [{"InitialSamplingPercentage": 0}, {"EnableCapture": False}])
def test_what_is_not_sampled_is_not_captured(
    aws: LocalAws, bucket: str, name: str, more: dict[str, Any]
) -> None:
    prefix = capturing(aws, bucket, name, **more)
    other = capturing(aws, bucket, f"{name}-2")
    for endpoint in (name, f"{name}-2"):
        invoke(aws, endpoint, "좋아요")
    wait(lambda: captured(aws, bucket, other))
    assert not captured(aws, bucket, prefix)
