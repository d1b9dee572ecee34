import io
import json
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import REGION, ROLE, TRAINING_IMAGE, archive, logged, wait

SCRIPT = """
import argparse, json, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
parser.add_argument("--behaviour", default="succeed")
options = parser.parse_args()
print("[train] step=1 loss=0.9000", flush=True)
print("[train] step=2 loss=0.2500 한국어", flush=True)
rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.jsonl"), encoding="utf-8").read()
checkpoints = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints")
if options.behaviour.startswith("checkpoint"):
    with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "found.json"), "w") as file:
        json.dump(sorted(file.name for file in checkpoints.rglob("*.bin")), file)
    (checkpoints / "step-1").mkdir(exist_ok=True)
    with open(checkpoints / "step-1" / f"{options.behaviour}.bin", "wb", buffering=0) as file:
        for part in range(15):  # slowly, so that one can see it half written
            file.write(b"part " * 1000)
            time.sleep(0.2)
if options.behaviour in ("sleep", "checkpoint-sleep"):
    time.sleep(600)
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "training.json"), "w") as file:
    json.dump({"rate": options.rate}, file)
if options.behaviour in ("fail", "checkpoint-fail"):
    raise ValueError("the label column is missing; name it with --label_column")
with open(os.path.join(os.environ["SM_MODEL_DIR"], "weights.txt"), "w", encoding="utf-8") as file:
    file.write(rows)
"""


@pytest.fixture(scope="session")
def source(aws: LocalAws, bucket: str) -> str:
    aws.client("s3").put_object(Bucket=bucket, Key="code/sourcedir.tar.gz", Body=archive(train_py=SCRIPT))
    aws.client("s3").put_object(Bucket=bucket, Key="data/train/train.jsonl", Body="좋아요".encode())
    return f"s3://{bucket}/code/sourcedir.tar.gz"


def request(name: str, bucket: str, source: str, **more: Any) -> dict[str, Any]:
    behaviour = more.pop("behaviour", "succeed")
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": TRAINING_IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "train:loss", "Regex": r"\[train\].* loss=([0-9.]+)"}],
        },
        "RoleArn": ROLE,
        "HyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": json.dumps(source),
            "rate": "0.5",
            "behaviour": json.dumps(behaviour),
        },
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/data/train/"}
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **more,
    }


def finished(aws: LocalAws, name: str) -> dict[str, Any]:
    client = aws.client("sagemaker")

    def ended() -> Any:
        job = client.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    job: dict[str, Any] = wait(ended)
    return job


@pytest.fixture(scope="session")
def completed(aws: LocalAws, bucket: str, source: str) -> dict[str, Any]:
    """One job that succeeded, which several tests look at."""
    aws.client("sagemaker").create_training_job(**request("completed", bucket, source))
    return finished(aws, "completed")


@pytest.fixture(scope="session")
def failed(aws: LocalAws, bucket: str, source: str) -> dict[str, Any]:
    aws.client("sagemaker").create_training_job(**request("failed", bucket, source, behaviour="fail"))
    return finished(aws, "failed")


def read_archive(aws: LocalAws, uri: str) -> dict[str, bytes]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {item.name: tar.extractfile(item).read() for item in tar if item.isfile()}  # type: ignore[union-attr]


def test_job_completes(completed: dict[str, Any]) -> None:
    assert (completed["TrainingJobStatus"], completed["SecondaryStatus"]) == ("Completed", "Completed")


def test_arn_is_that_of_aws(completed: dict[str, Any]) -> None:
    assert completed["TrainingJobArn"] == f"arn:aws:sagemaker:{REGION}:000000000000:training-job/completed"


def test_model_directory_becomes_model_tar_gz(aws: LocalAws, bucket: str, completed: dict[str, Any]) -> None:
    uri = completed["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{bucket}/models/completed/output/model.tar.gz"
    assert read_archive(aws, uri) == {"weights.txt": "좋아요".encode()}


def test_hyperparameters_reach_the_script_and_its_output_is_uploaded(
    aws: LocalAws, bucket: str, completed: dict[str, Any]
) -> None:
    files = read_archive(aws, f"s3://{bucket}/models/completed/output/output.tar.gz")
    assert json.loads(files["training.json"]) == {"rate": 0.5}


def test_last_value_of_a_metric_is_the_final_one(completed: dict[str, Any]) -> None:
    [metric] = completed["FinalMetricDataList"]
    assert (metric["MetricName"], round(metric["Value"], 4)) == ("train:loss", 0.25)


def test_secondary_statuses_follow_each_other(completed: dict[str, Any]) -> None:
    transitions = [item["Status"] for item in completed["SecondaryStatusTransitions"]]
    assert transitions == ["Starting", "Downloading", "Training", "Uploading", "Completed"]


def test_job_tells_how_long_it_is_billed(completed: dict[str, Any]) -> None:
    assert completed["BillableTimeInSeconds"] >= 1
    assert completed["TrainingStartTime"] <= completed["TrainingEndTime"]


def test_output_is_in_the_logs(aws: LocalAws, completed: dict[str, Any]) -> None:
    assert "[train] step=2 loss=0.2500 한국어" in logged(
        aws, "/aws/sagemaker/TrainingJobs", "completed/algo-1-"
    )


def test_jobs_are_listed_by_name(aws: LocalAws, completed: dict[str, Any]) -> None:
    [job] = aws.client("sagemaker").list_training_jobs(NameContains="omplete")["TrainingJobSummaries"]
    assert job["TrainingJobName"] == "completed"


def test_name_used_twice_is_in_use(
    aws: LocalAws, bucket: str, source: str, completed: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="ResourceInUse"):
        aws.client("sagemaker").create_training_job(**request("completed", bucket, source))


def test_failure_carries_the_scripts_own_message(failed: dict[str, Any]) -> None:
    assert failed["TrainingJobStatus"] == "Failed"
    assert failed["FailureReason"].startswith("AlgorithmError: ")
    assert "the label column is missing; name it with --label_column" in failed["FailureReason"]
    assert failed["FailureReason"].endswith("exit code: 1")


def test_failed_job_keeps_its_output_data_and_makes_no_model(
    aws: LocalAws, bucket: str, failed: dict[str, Any]
) -> None:
    assert "ModelArtifacts" not in failed
    assert "training.json" in read_archive(aws, f"s3://{bucket}/models/failed/output/output.tar.gz")


def test_environment_with_a_space_in_its_path_installs_requirements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a b").symlink_to(sys.prefix)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "a b/bin" / Path(sys.executable).name))
    with LocalAws.start() as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket="space", CreateBucketConfiguration={"LocationConstraint": REGION})
        code = archive(**{"train.py": SCRIPT, "requirements.txt": "boto3\n"})
        s3.put_object(Bucket="space", Key="code.tar.gz", Body=code)
        s3.put_object(Bucket="space", Key="data/train/train.jsonl", Body=b"{}")
        job = request("space", "space", "s3://space/code.tar.gz")
        aws.client("sagemaker").create_training_job(**job)
        ended = finished(aws, "space")
        assert ended["TrainingJobStatus"] == "Completed", ended["FailureReason"]


def test_stopped_job_ends_as_stopped(aws: LocalAws, bucket: str, source: str, name: str) -> None:
    client = aws.client("sagemaker")
    client.create_training_job(**request(name, bucket, source, behaviour="sleep"))
    wait(lambda: "[train] step=1 loss=0.9000" in logged(aws, "/aws/sagemaker/TrainingJobs", name))
    client.stop_training_job(TrainingJobName=name)
    assert finished(aws, name)["SecondaryStatus"] == "Stopped"


def test_job_over_its_time_is_stopped(aws: LocalAws, bucket: str, source: str, name: str) -> None:
    condition = {"MaxRuntimeInSeconds": 1}
    aws.client("sagemaker").create_training_job(
        **request(name, bucket, source, behaviour="sleep", StoppingCondition=condition)
    )
    job = finished(aws, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_channel_without_objects_fails_naming_it(aws: LocalAws, bucket: str, source: str, name: str) -> None:
    job = request(name, bucket, source)
    job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/nothing/"
    aws.client("sagemaker").create_training_job(**job)
    assert f"s3://{bucket}/nothing/" in finished(aws, name)["FailureReason"]


def test_source_that_comes_in_a_channel_as_a_single_object_is_run(
    aws: LocalAws, bucket: str, source: str, name: str
) -> None:
    job = request(name, bucket, source)
    job["HyperParameters"]["sagemaker_submit_directory"] = '"/opt/ml/input/data/code/sourcedir.tar.gz"'
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}}
    job["InputDataConfig"].append({"ChannelName": "code", "DataSource": data})
    aws.client("sagemaker").create_training_job(**job, EnableNetworkIsolation=True)
    ended = finished(aws, name)
    assert ended["TrainingJobStatus"] == "Completed", ended["FailureReason"]


def spot(name: str, bucket: str, source: str, behaviour: str, folder: str) -> dict[str, Any]:
    """A job on spot instances, whose checkpoints are under ``folder``."""
    return request(
        name,
        bucket,
        source,
        behaviour=behaviour,
        EnableManagedSpotTraining=True,
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/models", "KmsKeyId": "alias/nunchi"},
        ResourceConfig={
            "InstanceType": "ml.p3.2xlarge",
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
            "VolumeKmsKeyId": "alias/nunchi",
        },
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
        CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints/{folder}"},
    )


def test_checkpoint_is_uploaded_while_the_job_runs_and_found_by_the_next(
    aws: LocalAws, bucket: str, source: str, name: str
) -> None:
    client, s3 = aws.client("sagemaker"), aws.client("s3")
    client.create_training_job(**spot(name, bucket, source, "checkpoint-sleep", name))
    [item] = wait(lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"checkpoints/{name}/").get("Contents"))
    # It was not there before it was complete.
    assert (item["Key"], item["Size"]) == (f"checkpoints/{name}/step-1/checkpoint-sleep.bin", 75_000)
    job = client.describe_training_job(TrainingJobName=name)
    assert (job["TrainingJobStatus"], job["EnableManagedSpotTraining"]) == ("InProgress", True)
    client.stop_training_job(TrainingJobName=name)
    assert finished(aws, name)["TrainingJobStatus"] == "Stopped"
    client.create_training_job(**spot(f"{name}-2", bucket, source, "checkpoint-fail", name))
    assert finished(aws, f"{name}-2")["TrainingJobStatus"] == "Failed"
    output = read_archive(aws, f"s3://{bucket}/models/{name}-2/output/output.tar.gz")
    assert json.loads(output["found.json"]) == ["checkpoint-sleep.bin"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"checkpoints/{name}/")["Contents"]
    assert {item["Key"].rpartition("/")[2]: item["Size"] for item in found} == {
        "checkpoint-fail.bin": 75_000,
        "checkpoint-sleep.bin": 75_000,
    }


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 1}}, "Invalid MaxWaitTime"),
        ({"CheckpointConfig": {"S3Uri": "s3://b/c", "LocalPath": "/home/checkpoints"}}, "LocalPath"),
        ({"RetryStrategy": {"MaximumRetryAttempts": 1}}, "does not implement RetryStrategy"),
        ({"AlgorithmSpecification": {"TrainingImage": "mine:1", "TrainingInputMode": "File"}}, "mine:1"),
        (
            {"ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}},
            "InstanceCount",
        ),
        ({"TrainingJobName": "under_score"}, "regular expression pattern"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    aws: LocalAws, bucket: str, source: str, more: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError, match=named):
        aws.client("sagemaker").create_training_job(**request("refused", bucket, source) | more)


def test_job_that_there_is_not_is_a_validation_exception(aws: LocalAws) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*Requested resource not found"):
        aws.client("sagemaker").describe_training_job(TrainingJobName="nobody")


def test_state_changes_are_events(aws: LocalAws, bucket: str, source: str, name: str) -> None:
    sqs, events = aws.client("sqs"), aws.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail": {"TrainingJobName": [name], "TrainingJobStatus": ["Failed"]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    job = request(name, bucket, source)
    job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/nothing/"
    aws.client("sagemaker").create_training_job(**job)
    [message] = wait(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    event = json.loads(message["Body"])
    assert event["detail-type"] == "SageMaker Training Job State Change"
    assert abs(event["detail"]["CreationTime"] / 1000 - time.time()) < 60  # milliseconds
