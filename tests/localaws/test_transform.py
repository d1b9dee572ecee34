import json
import re
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import archive, logged, wait
from tests.localaws.test_endpoints import create_model, echo_archive

# Answers every line with its number and its text; an empty text is refused.
LINES = """
import json, os, time
def model_fn(model_dir):
    return os.environ.get("LABEL", "none")
def input_fn(body, content_type):
    assert content_type == "application/jsonlines", content_type
    return [json.loads(line)["inputs"] for line in body.decode().splitlines()]
def predict_fn(data, model):
    print("asked", len(data), os.environ["SAGEMAKER_BATCH"], flush=True)
    if "" in data:
        raise ValueError("inputs is empty; send some text")
    if "sleep" in data:
        time.sleep(600)
    if "dies" in data:
        os._exit(1)
    if "first" in data:
        time.sleep(0.5)
    return [{"label": model, "text": text} for text in data]
def output_fn(prediction, accept):
    return "\\n".join(json.dumps(one, ensure_ascii=False) for one in prediction)
"""


def lines(*texts: str) -> bytes:
    return "".join(
        json.dumps({"id": text, "inputs": text}, ensure_ascii=False) + "\n" for text in texts
    ).encode()


@pytest.fixture(scope="module")
def model(aws: LocalAws, bucket: str) -> str:
    name = f"lines-{uuid.uuid4().hex[:8]}"
    create_model(aws, bucket, name, archive(code__inference_py=LINES))
    return name


def request(name: str, bucket: str, model: str, **more: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/{name}/"}
    return {
        "TransformJobName": name,
        "ModelName": model,
        "BatchStrategy": "MultiRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{bucket}/out/{name}",
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
            "KmsKeyId": "alias/nunchi",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "Environment": {"LABEL": "하나"},
        **more,
    }


def put(aws: LocalAws, bucket: str, name: str, **files: bytes) -> None:
    for key, body in files.items():
        aws.client("s3").put_object(Bucket=bucket, Key=f"in/{name}/{key.replace('__', '/')}", Body=body)


def run(aws: LocalAws, job: dict[str, Any]) -> dict[str, Any]:
    client, name = aws.client("sagemaker"), job["TransformJobName"]
    client.create_transform_job(**job)

    def ended() -> Any:
        found = client.describe_transform_job(TransformJobName=name)
        return found if found["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

    result: dict[str, Any] = wait(ended)
    return result


def written(aws: LocalAws, bucket: str, name: str) -> dict[str, str]:
    s3 = aws.client("s3")
    items = s3.list_objects_v2(Bucket=bucket, Prefix=f"out/{name}/").get("Contents", [])
    return {
        item["Key"].removeprefix(f"out/{name}/"): s3.get_object(Bucket=bucket, Key=item["Key"])["Body"]
        .read()
        .decode()
        for item in items
    }


def answer(*texts: str) -> str:
    return "".join(json.dumps({"label": "하나", "text": text}, ensure_ascii=False) + "\n" for text in texts)


def test_every_file_has_its_output_in_the_order_of_its_lines(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    put(aws, bucket, name, a=lines("first", "둘", "셋"), deep__b=lines("넷"))
    more = {"BatchStrategy": "SingleRecord", "MaxConcurrentTransforms": 3}
    job = run(aws, request(name, bucket, model, **more))
    assert job["TransformJobStatus"] == "Completed", job
    assert written(aws, bucket, name) == {"a.out": answer("first", "둘", "셋"), "deep/b.out": answer("넷")}
    assert job["TransformStartTime"] <= job["TransformEndTime"]
    assert "asked 1 true" in logged(aws, "/aws/sagemaker/TransformJobs", f"{name}/")


def test_lines_are_sent_together_up_to_the_payload(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    text = "가" * 60_000  # 360 KB a line, which has it twice: two fit into a megabyte, three do not
    put(aws, bucket, name, a=lines(text, text, text))
    assert run(aws, request(name, bucket, model, MaxPayloadInMB=1))["TransformJobStatus"] == "Completed"
    assert written(aws, bucket, name)["a.out"] == answer(text, text, text)
    asked = [line for line in logged(aws, "/aws/sagemaker/TransformJobs", f"{name}/") if "asked" in line]
    assert asked == ["asked 2 true", "asked 1 true"]


def test_results_are_joined_with_their_input(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    put(aws, bucket, name, a=lines("하나", "둘"))
    run(aws, request(name, bucket, model, DataProcessing={"JoinSource": "Input"}))
    first, second = written(aws, bucket, name)["a.out"].splitlines()
    output = {"label": "하나", "text": "하나"}
    assert json.loads(first) == {"id": "하나", "inputs": "하나", "SageMakerOutput": output}
    assert json.loads(second)["SageMakerOutput"]["text"] == "둘"


def test_whole_file_is_one_record_when_it_is_not_split(aws: LocalAws, bucket: str, name: str) -> None:
    create_model(aws, bucket, name, echo_archive("하나"))
    put(aws, bucket, name, **{"a.json": '{"inputs": "좋아요"}'.encode()})
    job = request(name, bucket, name, DataProcessing={"JoinSource": "Input"})
    job["TransformInput"] |= {"ContentType": "application/json", "SplitType": "None"}
    job["TransformOutput"] |= {"Accept": "application/json", "AssembleWith": "None"}
    assert run(aws, job)["TransformJobStatus"] == "Completed"
    assert json.loads(written(aws, bucket, name)["a.json.out"]) == {
        "inputs": "좋아요",
        "SageMakerOutput": [{"label": "하나", "text": "좋아요"}],
    }


def test_single_object_is_an_input(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    put(aws, bucket, name, a=lines("하나"), ab=lines("둘"))
    job = request(name, bucket, model)
    job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] += "ab"
    run(aws, job)
    assert written(aws, bucket, name) == {"ab.out": answer("둘")}


def of_manifest(job: dict[str, Any], bucket: str, name: str) -> dict[str, Any]:
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{bucket}/manifests/{name}"}
    job["TransformInput"]["DataSource"]["S3DataSource"] = source
    return job


def test_manifest_names_the_inputs(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    put(aws, bucket, name, a=lines("하나"), deep__b=lines("둘"), **{"c#1?.jsonl": lines("셋")})
    manifest = json.dumps([{"prefix": f"s3://{bucket}/in/{name}/"}, "deep/b", "c#1?.jsonl"])
    aws.client("s3").put_object(Bucket=bucket, Key=f"manifests/{name}", Body=manifest.encode())
    job = run(aws, of_manifest(request(name, bucket, model), bucket, name))
    assert job["TransformJobStatus"] == "Completed", job
    assert written(aws, bucket, name) == {"deep/b.out": answer("둘"), "c#1?.jsonl.out": answer("셋")}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("{", "is no manifest"),
        ('["a"]', "is no manifest"),
        ('[{"prefix": "s3://BUCKET/"}]', "names no objects"),
        ('[{"prefix": "s3://BUCKET/"}, "nobody"]', "Data download failed: s3://BUCKET/: .*404"),
        ('[{"prefix": "s3://BUCKET/"}, "../a"]', "leads out of its folder"),
    ],
)
def test_manifest_that_names_nothing_fails_the_job(
    aws: LocalAws, bucket: str, model: str, name: str, manifest: str, message: str
) -> None:
    body = manifest.replace("BUCKET", bucket).encode()
    aws.client("s3").put_object(Bucket=bucket, Key=f"manifests/{name}", Body=body)
    job = run(aws, of_manifest(request(name, bucket, model), bucket, name))
    assert job["TransformJobStatus"] == "Failed"
    assert re.search(message.replace("BUCKET", bucket), job["FailureReason"]), job["FailureReason"]


def data_log(aws: LocalAws, name: str) -> list[str]:
    """What the job itself says, without the times."""
    prefix = "[sagemaker logs]: "
    found = logged(aws, "/aws/sagemaker/TransformJobs", f"{name}/")
    return [line.partition(prefix)[2] for line in found if prefix in line]


def test_record_that_the_model_refuses_fails_the_job_and_its_file_alone(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    put(aws, bucket, name, a=lines("둘", "", "셋"), b=lines("하나"))
    job = run(aws, request(name, bucket, model, BatchStrategy="SingleRecord"))
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: See job logs for more information"
    assert written(aws, bucket, name) == {"b.out": answer("하나")}


def test_log_says_which_file_was_refused_and_what_the_model_answered(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    put(aws, bucket, name, deep__a=lines(""))
    run(aws, request(name, bucket, model))
    file = f"{bucket}/in/{name}/deep/a"
    first, *refused = data_log(aws, name)
    assert first == "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"
    assert refused[:3] == [f"{file}: ClientError: 400", f"{file}: ", f"{file}: Message:"]
    assert "inputs is empty; send some text" in refused[3]


def test_model_that_dies_is_the_algorithms_fault(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    put(aws, bucket, name, a=lines("dies"))
    job = run(aws, request(name, bucket, model))
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert f"{bucket}/in/{name}/a: Unable to get response from algorithm" in data_log(aws, name)


def test_request_that_takes_too_long_is_asked_again_as_often_as_configured(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    put(aws, bucket, name, a=lines("sleep"))
    config = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 1}
    run(aws, request(name, bucket, model, ModelClientConfig=config))
    asked = [line for line in logged(aws, "/aws/sagemaker/TransformJobs", f"{name}/") if "asked" in line]
    assert len(asked) == 2


def test_record_over_the_payload_fails_its_file(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    put(aws, bucket, name, a=lines("가" * 200_000), b=lines("하나"))
    job = run(aws, request(name, bucket, model, MaxPayloadInMB=1))
    assert job["FailureReason"] == "ClientError: See job logs for more information"
    assert "a: Too much data for max payload size" in data_log(aws, name)[1]
    assert written(aws, bucket, name) == {"b.out": answer("하나")}


def test_files_are_shared_among_the_instances(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    put(aws, bucket, name, a=lines("하나"), b=lines("둘"), c=lines("셋"))
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    assert run(aws, request(name, bucket, model, TransformResources=resources))["TransformJobStatus"] == (
        "Completed"
    )
    assert written(aws, bucket, name) == {
        "a.out": answer("하나"),
        "b.out": answer("둘"),
        "c.out": answer("셋"),
    }
    for host, files in (("algo-1", 2), ("algo-2", 1)):
        log = logged(aws, "/aws/sagemaker/TransformJobs", f"{name}/{host}-")
        assert log.count("asked 1 true") == files


def test_lines_are_sent_together_unless_the_request_says_otherwise(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    put(aws, bucket, name, a=lines("하나", "둘"))
    job = request(name, bucket, model)
    del job["BatchStrategy"]
    run(aws, job)
    assert "asked 2 true" in logged(aws, "/aws/sagemaker/TransformJobs", f"{name}/")


def test_filters_choose_what_the_model_gets_and_what_is_written(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    put(aws, bucket, name, a=lines("하나", "둘"))
    processing = {
        "InputFilter": "$['inputs']",
        "JoinSource": "Input",
        "OutputFilter": "$['id','SageMakerOutput']",
    }
    texts = LINES.replace('json.loads(line)["inputs"]', "json.loads(line)")
    create_model(aws, bucket, name, archive(code__inference_py=texts))
    run(aws, request(name, bucket, name, DataProcessing=processing))
    assert written(aws, bucket, name)["a.out"] == "".join(
        json.dumps({"id": text, "SageMakerOutput": {"label": "하나", "text": text}}, ensure_ascii=False)
        + "\n"
        for text in ("하나", "둘")
    )


def test_environment_tells_what_the_request_says_and_no_more(aws: LocalAws, bucket: str, name: str) -> None:
    told = """
import json, os
def model_fn(model_dir):
    return {key: value for key, value in os.environ.items() if key.startswith("SAGEMAKER_")}
def input_fn(body, content_type):
    return None
def predict_fn(data, model):
    return model
def output_fn(prediction, accept):
    return json.dumps(prediction)
"""
    create_model(aws, bucket, name, archive(code__inference_py=told))
    put(aws, bucket, name, a=lines("하나"))
    run(aws, request(name, bucket, name, MaxConcurrentTransforms=2))
    variables = json.loads(written(aws, bucket, name)["a.out"])
    del variables["SAGEMAKER_BASE_DIR"]
    assert variables == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
    }


def test_model_that_cannot_be_loaded_fails_the_job(aws: LocalAws, bucket: str, name: str) -> None:
    create_model(aws, bucket, name, b"broken")
    put(aws, bucket, name, a=lines("하나"))
    assert "Failed to extract" in run(aws, request(name, bucket, name))["FailureReason"]


def test_stopped_job_ends_as_stopped_though_the_model_is_busy(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    client = aws.client("sagemaker")
    put(aws, bucket, name, a=lines("sleep"))
    client.create_transform_job(**request(name, bucket, model))
    wait(lambda: "asked 1 true" in logged(aws, "/aws/sagemaker/TransformJobs", f"{name}/"))
    client.stop_transform_job(TransformJobName=name)
    wait(lambda: client.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopped", 5)
    [job] = client.list_transform_jobs(NameContains=name)["TransformJobSummaries"]
    assert job["TransformJobStatus"] == "Stopped"
    assert not written(aws, bucket, name)


def test_state_changes_are_events(aws: LocalAws, bucket: str, model: str, name: str) -> None:
    sqs, events = aws.client("sqs"), aws.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    detail = {"TransformJobName": [name], "TransformJobStatus": ["Completed"]}
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"], "detail": detail}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    put(aws, bucket, name, a=lines("하나"))
    aws.client("sagemaker").create_transform_job(**request(name, bucket, model))
    [message] = wait(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    assert json.loads(message["Body"])["detail-type"] == "SageMaker Transform Job State Change"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ModelName": "nobody"}, "Could not find model"),
        ({"MaxConcurrentTransforms": 20}, "cannot be over 100 MB"),
        ({"MaxPayloadInMB": 101}, "cannot be over 100 MB"),
        ({"DataProcessing": {"InputFilter": "inputs"}}, 'Invalid InputFilter: "inputs". it must start with'),
        ({"DataProcessing": {"OutputFilter": "$.a_b"}}, 'Invalid OutputFilter: "\\$.a_b". Unexpected "_"'),
    ],
)
def test_request_that_cannot_be_run_is_refused(
    aws: LocalAws, bucket: str, model: str, name: str, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        aws.client("sagemaker").create_transform_job(**request(name, bucket, model, **more))


def test_records_of_other_kinds_than_lines_are_refused_by_name(
    aws: LocalAws, bucket: str, model: str, name: str
) -> None:
    job = request(name, bucket, model)
    job["TransformInput"]["SplitType"] = "RecordIO"
    with pytest.raises(ClientError, match="does not implement RecordIO as SplitType"):
        aws.client("sagemaker").create_transform_job(**job)
