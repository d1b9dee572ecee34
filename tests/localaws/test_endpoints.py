import gzip
import io
import json
import tarfile
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import ECHO, INFERENCE_IMAGE, ROLE, archive, logged, wait
from tests.localaws.test_registry import specification

# Answers with what it was asked, and with the status that it was asked for.
TELLING = """
import json
def model_fn(model_dir):
    return None
def input_fn(body, content_type):
    return {"status": json.loads(body)["inputs"], "content_type": content_type}
def predict_fn(data, model):
    return data
def output_fn(prediction, accept, context):
    attributes = "X-Amzn-SageMaker-Custom-Attributes"
    context.set_response_header(0, attributes, f"{context.get_request_header(0, attributes)}, answered")
    context.set_response_status(code=prediction["status"])
    return json.dumps(prediction | {"accept": accept})
"""


def put_model(aws: LocalAws, bucket: str, name: str, body: bytes) -> str:
    aws.client("s3").put_object(Bucket=bucket, Key=f"{name}/model.tar.gz", Body=body)
    return f"s3://{bucket}/{name}/model.tar.gz"


def echo_archive(weights: str) -> bytes:
    return archive(code__inference_py=ECHO, weights_txt=weights)


def create_model(aws: LocalAws, bucket: str, name: str, body: bytes, **more: Any) -> None:
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": put_model(aws, bucket, name, body)}
    aws.client("sagemaker").create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE, **more
    )


def variant(model: str, **more: Any) -> dict[str, Any]:
    instances = (
        {} if "ServerlessConfig" in more else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    )
    return {"VariantName": "primary", "ModelName": model, **instances, **more}


def configure(aws: LocalAws, bucket: str, name: str, body: bytes, **more: Any) -> str:
    """A model and an endpoint configuration for it, both called `name`; `more` goes into its variant."""
    create_model(aws, bucket, name, body)
    aws.client("sagemaker").create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant(name, **more)]
    )
    return name


def at_rest(aws: LocalAws, name: str) -> dict[str, Any]:
    client = aws.client("sagemaker")

    def rests() -> Any:
        endpoint = client.describe_endpoint(EndpointName=name)
        return endpoint if endpoint["EndpointStatus"] in ("InService", "Failed") else None

    endpoint: dict[str, Any] = wait(rests)
    return endpoint


def invoke(aws: LocalAws, endpoint: str, text: str, content_type: str = "application/json") -> Any:
    answer = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint,
        Body=json.dumps({"inputs": text}, ensure_ascii=False).encode(),
        ContentType=content_type,
    )
    assert answer["ContentType"] == "application/json"
    return json.loads(answer["Body"].read())


@pytest.fixture(scope="module")
def endpoint(aws: LocalAws, bucket: str) -> str:
    """An endpoint in service; tests that change it make their own."""
    configure(aws, bucket, "echo", echo_archive("하나"))
    aws.client("sagemaker").create_endpoint(EndpointName="echo", EndpointConfigName="echo")
    assert at_rest(aws, "echo")["EndpointStatus"] == "InService"
    return "echo"


def test_endpoint_answers_through_the_archives_handlers(aws: LocalAws, endpoint: str) -> None:
    assert invoke(aws, endpoint, "정말 재미있어요 ㅋㅋ") == [
        {"label": "하나", "text": "정말 재미있어요 ㅋㅋ"}
    ]


def test_content_type_with_a_charset_reaches_the_handlers(aws: LocalAws, endpoint: str) -> None:
    assert invoke(aws, endpoint, "네", "application/json; charset=utf-8")[0]["text"] == "네"


def test_handlers_error_is_a_model_error_with_its_message(aws: LocalAws, endpoint: str) -> None:
    with pytest.raises(ClientError) as raised:
        invoke(aws, endpoint, "")
    error = raised.value.response
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 400)
    assert json.loads(error["OriginalMessage"]) == {
        "code": 400,
        "type": "InternalServerException",
        "message": "inputs is empty; send some text",
    }


@pytest.fixture(scope="module")
def telling(aws: LocalAws, bucket: str) -> str:
    """An endpoint that tells what it was asked; `inputs` is the status that it answers with."""
    configure(aws, bucket, "telling", archive(code__inference_py=TELLING))
    aws.client("sagemaker").create_endpoint(EndpointName="telling", EndpointConfigName="telling")
    at_rest(aws, "telling")
    return "telling"


def tell(aws: LocalAws, endpoint: str, status: int) -> dict[str, Any]:
    answer: dict[str, Any] = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint,
        Body=json.dumps({"inputs": status}).encode(),
        ContentType="application/jsonlines; charset=utf-8",
        Accept="text/csv",
        CustomAttributes="trace=1",
    )
    return answer


def test_types_and_custom_attributes_reach_the_model_and_come_back(aws: LocalAws, telling: str) -> None:
    answer = tell(aws, telling, 200)
    assert json.loads(answer["Body"].read()) == {
        "status": 200,
        "content_type": "application/jsonlines; charset=utf-8",
        "accept": "text/csv",
    }
    assert (answer["ContentType"], answer["CustomAttributes"]) == ("text/csv", "trace=1, answered")


@pytest.mark.parametrize(("status", "blamed"), [(422, "client"), (503, "server")])
def test_models_own_status_is_passed_on(aws: LocalAws, telling: str, status: int, blamed: str) -> None:
    with pytest.raises(ClientError, match=rf"Received {blamed} error \({status}\) from primary") as raised:
        tell(aws, telling, status)
    error = raised.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("ModelError", 424)
    assert error["OriginalStatusCode"] == status
    assert json.loads(error["OriginalMessage"])["status"] == status


def test_model_that_dies_is_an_error_of_the_server(aws: LocalAws, bucket: str, name: str) -> None:
    dies = ECHO.replace('raise ValueError("inputs is empty; send some text")', "os._exit(1)")
    configure(aws, bucket, name, archive(code__inference_py=dies, weights_txt="하나"))
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    at_rest(aws, name)
    with pytest.raises(ClientError, match="Worker died") as raised:
        invoke(aws, name, "")
    assert raised.value.response["OriginalStatusCode"] == 500


def test_traceback_of_a_handler_is_in_the_endpoints_log(aws: LocalAws, endpoint: str) -> None:
    with pytest.raises(ClientError):
        invoke(aws, endpoint, "")
    wait(
        lambda: [
            line
            for line in logged(aws, f"/aws/sagemaker/Endpoints/{endpoint}", "primary/")
            if "ValueError" in line
        ]
    )


def test_endpoint_that_there_is_not_is_a_validation_error(aws: LocalAws) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*Endpoint nobody .*not found"):
        invoke(aws, "nobody", "x")


def test_archive_that_cannot_be_loaded_fails_with_the_logs_end(aws: LocalAws, bucket: str, name: str) -> None:
    configure(aws, bucket, name, archive(code__inference_py=ECHO))
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    failed = at_rest(aws, name)
    assert failed["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in failed["FailureReason"]
    assert "weights.txt" in failed["FailureReason"]  # of the traceback in the log


def test_what_is_not_an_archive_fails_naming_it(aws: LocalAws, bucket: str, name: str) -> None:
    configure(aws, bucket, name, b"not a tar")
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert f"s3://{bucket}/{name}/model.tar.gz" in at_rest(aws, name)["FailureReason"]


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("../outside", tarfile.REGTYPE, "leads out of its folder"),
        ("code/../../outside", tarfile.REGTYPE, "leads out of its folder"),
        ("/tmp/outside", tarfile.REGTYPE, "leads out of its folder"),  # noqa: S108 (nothing is written there)
        ("link", tarfile.SYMTYPE, "is a link"),
        ("link", tarfile.LNKTYPE, "is a link"),
        ("device", tarfile.CHRTYPE, "is a device or a pipe"),
        ("pipe", tarfile.FIFOTYPE, "is a device or a pipe"),
    ],
)
def test_archive_with_more_than_files_of_its_own_is_refused_by_name(
    aws: LocalAws, bucket: str, name: str, path: str, kind: bytes, reason: str
) -> None:
    buffer, member = io.BytesIO(echo_archive("하나")), tarfile.TarInfo(path)
    with gzip.open(buffer) as file:
        plain = io.BytesIO(file.read())
    member.type, member.linkname = kind, "weights.txt"
    with tarfile.open(fileobj=plain, mode="a") as tar:
        tar.addfile(member)
    configure(aws, bucket, name, gzip.compress(plain.getvalue()))
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert f"'{path}' in it {reason}" in at_rest(aws, name)["FailureReason"]


def test_update_moves_the_traffic_without_a_gap(aws: LocalAws, bucket: str, name: str) -> None:
    client = aws.client("sagemaker")
    configure(aws, bucket, f"{name}-1", echo_archive("하나"))
    configure(aws, bucket, f"{name}-2", echo_archive("둘"))
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-1")
    at_rest(aws, name)
    labels: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            labels.append(invoke(aws, name, "x")[0]["label"])

    asking = threading.Thread(target=ask)
    asking.start()
    client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2")
    updated = at_rest(aws, name)
    wait(lambda: "둘" in labels)
    stop.set()
    asking.join()
    assert updated["EndpointConfigName"] == f"{name}-2"
    assert labels == sorted(labels, reverse=True)  # first all 하나, then all 둘, and nothing failed between


def test_failed_update_leaves_the_old_model_serving(aws: LocalAws, bucket: str, name: str) -> None:
    client = aws.client("sagemaker")
    configure(aws, bucket, f"{name}-1", echo_archive("하나"))
    configure(aws, bucket, f"{name}-2", b"broken")
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-1")
    at_rest(aws, name)
    client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2")
    after = at_rest(aws, name)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", f"{name}-1")
    assert "Failed to extract" in after["FailureReason"]
    assert invoke(aws, name, "x")[0]["label"] == "하나"


def test_variant_is_described_with_its_instances_and_weight(aws: LocalAws, endpoint: str) -> None:
    [variant] = aws.client("sagemaker").describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    assert variant == {
        "VariantName": "primary",
        "CurrentInstanceCount": 1,
        "DesiredInstanceCount": 1,
        "CurrentWeight": 1.0,
        "DesiredWeight": 1.0,
    }


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, 3),
        ({"RetainAllVariantProperties": True}, 1),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            3,
        ),
    ],
)
def test_desired_instance_count_is_retained_when_asked_to(
    aws: LocalAws, bucket: str, name: str, more: dict[str, Any], count: int
) -> None:
    client = aws.client("sagemaker")
    configure(aws, bucket, f"{name}-1", echo_archive("하나"))
    configure(aws, bucket, f"{name}-2", echo_archive("둘"), InitialInstanceCount=3)
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-1")
    at_rest(aws, name)
    client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2", **more)
    assert at_rest(aws, name)["ProductionVariants"][0]["DesiredInstanceCount"] == count


def test_model_of_a_package_that_is_not_approved_is_refused(aws: LocalAws, bucket: str, name: str) -> None:
    client = aws.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName=name)
    url = put_model(aws, bucket, name, echo_archive("하나"))
    package = client.create_model_package(
        ModelPackageGroupName=name, InferenceSpecification=specification(url)
    )["ModelPackageArn"]
    container = {"ModelPackageName": package}
    with pytest.raises(ClientError, match="must be Approved"):
        client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    client.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)


def test_deleted_endpoint_is_gone(aws: LocalAws, bucket: str, name: str) -> None:
    client = aws.client("sagemaker")
    configure(aws, bucket, name, echo_archive("하나"))
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    at_rest(aws, name)
    client.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        client.describe_endpoint(EndpointName=name)


@pytest.mark.parametrize(
    ("container", "named"),
    [
        ({"Image": "mine:1", "ModelDataUrl": "s3://localaws-tests/x"}, "mine:1"),
        ({"Image": INFERENCE_IMAGE}, "HF_MODEL_ID"),
        ({"Image": INFERENCE_IMAGE, "ModelDataUrl": "s3://localaws-tests/nothing.tar.gz"}, "nothing.tar.gz"),
    ],
)
def test_container_that_cannot_be_served_is_refused_by_name(
    aws: LocalAws, bucket: str, container: dict[str, str], named: str
) -> None:
    with pytest.raises(ClientError, match=named):
        aws.client("sagemaker").create_model(
            ModelName="refused", PrimaryContainer=container, ExecutionRoleArn=ROLE
        )


def test_operation_that_there_is_not_is_named(aws: LocalAws) -> None:
    with pytest.raises(ClientError, match=r"UnknownOperationException.*sagemaker:ListDomains"):
        aws.client("sagemaker").list_domains()
