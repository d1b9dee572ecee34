"""The server's own life: starting, stopping, and leaving nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws import LocalAws
from tests.localaws.helpers import INFERENCE_IMAGE, REGION, ROLE, archive, wait

ROOT = Path(__file__).parents[2]
# A job with a grandchild in a session of its own, both of which ignore SIGTERM. They tell their process ids.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "a") as file:
    print(os.getpid(), file=file)
if len(sys.argv) == 2:
    subprocess.Popen([sys.executable, __file__, sys.argv[1], "child"], start_new_session=True)
time.sleep(600)
"""


def start_stubborn_job(aws: LocalAws, pids: Path) -> list[int]:
    """Starts a processing job of STUBBORN; returns the ids of its processes."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="code", Key="code.tar.gz", Body=archive(**{"job.py": STUBBORN}))
    source = {
        "S3Uri": "s3://code/code.tar.gz",
        "LocalPath": "/opt/ml/processing/input/code",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
    script = 'cd /opt/ml/processing/input/code && tar -xzf ./*.gz && python3 job.py "$0" & wait'
    aws.client("sagemaker").create_processing_job(
        ProcessingJobName="stubborn",
        ProcessingInputs=[{"InputName": "code", "S3Input": source}],
        ProcessingResources={"ClusterConfig": cluster},
        AppSpecification={
            "ImageUri": INFERENCE_IMAGE,
            "ContainerEntrypoint": ["/bin/bash", "-euc", script],
            "ContainerArguments": [str(pids)],
        },
        RoleArn=ROLE,
    )
    wait(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    return [int(pid) for pid in pids.read_text().split()]


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "localaws", *arguments]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", LocalAws]]:
    """`python -m localaws` as a person leaves it running, and a client of it."""
    process = subprocess.Popen(
        command("--root", str(tmp_path / "root")), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    url = process.stdout.readline().split()[-1]
    client = LocalAws.__new__(LocalAws)  # nothing to stop: the process is not ours to stop
    client.url = url
    yield process, client
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes through /proc")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_command(
    server: tuple["subprocess.Popen[str]", LocalAws], tmp_path: Path, end: signal.Signals
) -> None:
    process, aws = server
    pids = start_stubborn_job(aws, tmp_path / "pids")
    assert all(alive(pid) for pid in pids)
    process.send_signal(end)
    process.wait(10)
    wait(lambda: not any(alive(pid) for pid in pids), seconds=5)
    wait(
        lambda: (
            str(tmp_path) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        ),
        5,
    )


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes through /proc")
def test_no_process_outlives_stop(tmp_path: Path) -> None:
    aws = LocalAws.start()
    pids = start_stubborn_job(aws, tmp_path / "pids")
    started = time.monotonic()
    aws.stop()
    assert not any(alive(pid) for pid in pids)
    assert time.monotonic() - started < 5
    assert not aws.root.exists()


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes through /proc")
def test_no_process_outlives_a_stopped_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalAws.start() as aws:
        pids = start_stubborn_job(aws, tmp_path / "pids")
        client = aws.client("sagemaker")
        client.stop_processing_job(ProcessingJobName="stubborn")
        wait(
            lambda: (
                client.describe_processing_job(ProcessingJobName="stubborn")["ProcessingJobStatus"]
                == "Stopped"
            )
        )
        assert not any(alive(pid) for pid in pids)


def test_command_runs_against_the_server_and_gives_its_status(tmp_path: Path) -> None:
    script = "import boto3, sys; print(boto3.client('sts').get_caller_identity()['Account']); sys.exit(3)"
    done = subprocess.run(
        command("--root", str(tmp_path), "--", sys.executable, "-c", script),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (3, "000000000000\n"), done.stderr


def test_command_reads_our_standard_input() -> None:
    done = subprocess.run(command("--", "cat"), cwd=ROOT, input="네", capture_output=True, text=True)
    assert done.stdout == "네"


def test_command_that_there_is_not_is_named() -> None:
    done = subprocess.run(command("--", "no-such-command"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 127
    assert "no-such-command" in done.stderr


def test_termination_ends_the_command_too(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    process = subprocess.Popen(
        command("--", "bash", "-c", f"echo $$ > '{file}.new'; mv '{file}.new' '{file}'; sleep 600"), cwd=ROOT
    )
    wait(file.exists)
    pid = int(file.read_text())
    process.terminate()
    assert process.wait(10) == 130
    wait(lambda: not alive(pid), 5)


def test_port_in_use_is_said(aws: LocalAws, tmp_path: Path) -> None:
    port = aws.url.rpartition(":")[2]
    done = subprocess.run(command("--port", port), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_environment_points_every_sdk_here(aws: LocalAws) -> None:
    assert aws.env["AWS_ENDPOINT_URL"] == aws.url
    assert aws.env["AWS_DEFAULT_REGION"] == REGION


def test_listens_on_the_loopback_only(aws: LocalAws) -> None:
    assert aws.url.startswith("http://127.0.0.1:")


def test_root_with_a_space_runs_jobs(tmp_path: Path) -> None:
    root = tmp_path / "한글 폴더 $x"
    with LocalAws.start(root) as aws:
        pids = tmp_path / "pids"
        assert len(start_stubborn_job(aws, pids)) == 2
    assert (root / "localaws.log").exists()
    shutil.rmtree(root)


def test_runs_without_writing_bytecode() -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run(command("--", "true"), cwd=ROOT, env=environment).returncode == 0
