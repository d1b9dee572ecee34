import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import INFERENCE_IMAGE, ROLE, archive, logged, wait

# The entrypoint that the application uses.
ENTRYPOINT = [
    "/bin/bash",
    "-euc",
    "cd /opt/ml/processing/input/code && tar -xzf ./*.gz"
    ' && requirements="${0%.py}-requirements.txt"'
    ' && if [ -f "$requirements" ]; then python3 -m pip install --quiet -r "$requirements"; fi'
    ' && exec python3 "$0" "$@"',
]
SCRIPT = """
import argparse, json, os, pathlib, subprocess, sys, time
base = pathlib.Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
parser = argparse.ArgumentParser()
parser.add_argument("--option")
parser.add_argument("--fail", default="")
parser.add_argument("--times", type=int, default=1)
options = parser.parse_args()
print("읽는 중:", options.option, flush=True)
if options.fail:
    (base / "output").mkdir(exist_ok=True)
    (base / "output/message").write_text(options.fail * options.times, encoding="utf-8")
    sys.exit(1)
if options.option == "sleep":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    time.sleep(600)
out = base / "processing/output/train"
out.mkdir(parents=True, exist_ok=True)
(out / "deep").mkdir()
text = (base / "processing/input/data/a.tsv").read_text(encoding="utf-8")
(out / "deep" / "train.jsonl").write_text(text, encoding="utf-8")
(out / "environment.json").write_text(json.dumps(dict(os.environ)))
"""


@pytest.fixture(scope="session")
def code(aws: LocalAws, bucket: str) -> str:
    s3 = aws.client("s3")
    files = {"prepare.py": SCRIPT, "prepare-requirements.txt": "boto3\n"}
    s3.put_object(Bucket=bucket, Key="assets/abc.gz", Body=archive(**files))
    s3.put_object(Bucket=bucket, Key="reviews/a.tsv", Body="좋아요\t1\n".encode())
    return f"s3://{bucket}/assets/abc.gz"


def request(name: str, bucket: str, code: str, *arguments: str, **more: Any) -> dict[str, Any]:
    def source(key: str, uri: str) -> dict[str, Any]:
        path = {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{key}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        }
        return {"InputName": key, "S3Input": path}

    output = {
        "S3Uri": f"s3://{bucket}/out/{name}",
        "LocalPath": "/opt/ml/processing/output/train",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "ProcessingJobName": name,
        "ProcessingInputs": [source("code", code), source("data", f"s3://{bucket}/reviews/")],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": output}]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
        "AppSpecification": {
            "ImageUri": INFERENCE_IMAGE,
            "ContainerEntrypoint": ENTRYPOINT,
            "ContainerArguments": ["prepare.py", *arguments],
        },
        "Environment": {"WHERE": "/opt/ml/processing"},
        "RoleArn": ROLE,
        **more,
    }


def finished(aws: LocalAws, name: str) -> dict[str, Any]:
    client = aws.client("sagemaker")

    def ended() -> Any:
        job = client.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    job: dict[str, Any] = wait(ended)
    return job


@pytest.fixture(scope="module")
def completed(aws: LocalAws, bucket: str, code: str) -> dict[str, Any]:
    aws.client("sagemaker").create_processing_job(
        **request("prepared", bucket, code, "--option", "두 단어 $HOME")
    )
    return finished(aws, "prepared")


def test_outputs_are_uploaded_with_their_paths(aws: LocalAws, bucket: str, completed: dict[str, Any]) -> None:
    assert completed["ProcessingJobStatus"] == "Completed", completed
    body = aws.client("s3").get_object(Bucket=bucket, Key="out/prepared/deep/train.jsonl")["Body"].read()
    assert body.decode() == "좋아요\t1\n"


def test_opt_ml_in_the_environment_is_the_jobs_folder(
    aws: LocalAws, bucket: str, completed: dict[str, Any]
) -> None:
    body = aws.client("s3").get_object(Bucket=bucket, Key="out/prepared/environment.json")["Body"].read()
    where = json.loads(body)["WHERE"]
    assert where.endswith("/processing-job/prepared/processing")


def test_waiting_threads_of_a_job_do_not_spin(aws: LocalAws, bucket: str, completed: dict[str, Any]) -> None:
    body = aws.client("s3").get_object(Bucket=bucket, Key="out/prepared/environment.json")["Body"].read()
    assert json.loads(body)["OMP_WAIT_POLICY"] == "PASSIVE"


def test_arguments_arrive_unchanged_and_output_is_in_the_logs(
    aws: LocalAws, completed: dict[str, Any]
) -> None:
    assert "읽는 중: 두 단어 $HOME" in logged(aws, "/aws/sagemaker/ProcessingJobs", "prepared/algo-1-")


def test_scripts_message_is_the_exit_message_of_a_failed_job(
    aws: LocalAws, bucket: str, code: str, name: str
) -> None:
    message = "a.tsv: 열 label 이 없습니다 (no column label)"
    aws.client("sagemaker").create_processing_job(**request(name, bucket, code, "--fail", message))
    job = finished(aws, name)
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Failed", message)
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 1"


def test_long_message_is_cut_at_a_character(aws: LocalAws, bucket: str, code: str, name: str) -> None:
    aws.client("sagemaker").create_processing_job(
        **request(name, bucket, code, "--fail", "가", "--times", "400")
    )
    assert finished(aws, name)["ExitMessage"] == "가" * 341


def test_stopped_job_ends_as_stopped(aws: LocalAws, bucket: str, code: str, name: str) -> None:
    client = aws.client("sagemaker")
    client.create_processing_job(**request(name, bucket, code, "--option", "sleep"))
    wait(lambda: "읽는 중: sleep" in logged(aws, "/aws/sagemaker/ProcessingJobs", name))
    client.stop_processing_job(ProcessingJobName=name)
    assert finished(aws, name)["ProcessingJobStatus"] == "Stopped"


def test_missing_input_fails_naming_it(aws: LocalAws, bucket: str, name: str) -> None:
    aws.client("sagemaker").create_processing_job(**request(name, bucket, f"s3://{bucket}/assets/missing.gz"))
    assert f"s3://{bucket}/assets/missing.gz" in finished(aws, name)["FailureReason"]


@pytest.mark.parametrize(
    ("path", "named"), [("/home/data", "/home/data"), ("/opt/ml/processing/../../x", "LocalPath")]
)
def test_path_outside_the_jobs_folder_is_refused(
    aws: LocalAws, bucket: str, code: str, name: str, path: str, named: str
) -> None:
    job = request(name, bucket, code)
    job["ProcessingInputs"][0]["S3Input"]["LocalPath"] = path
    with pytest.raises(ClientError, match=named):
        aws.client("sagemaker").create_processing_job(**job)


def test_continuous_upload_is_refused_by_name(aws: LocalAws, bucket: str, code: str, name: str) -> None:
    job = request(name, bucket, code)
    job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] = "Continuous"
    with pytest.raises(ClientError, match="Continuous as S3UploadMode"):
        aws.client("sagemaker").create_processing_job(**job)
