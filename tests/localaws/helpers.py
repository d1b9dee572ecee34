"""What several tests here share."""

import io
import json
import tarfile
import time
from collections.abc import Callable
from typing import Any

from localaws import LocalAws

ACCOUNT = "000000000000"
REGION = "ap-northeast-2"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/job"
REGISTRY = f"763104351884.dkr.ecr.{REGION}.amazonaws.com"
TRAINING_IMAGE = (
    f"{REGISTRY}/huggingface-pytorch-training:2.5.1-transformers4.49.0-gpu-py311-cu124-ubuntu22.04"
)
INFERENCE_IMAGE = f"{REGISTRY}/huggingface-pytorch-inference:2.6.0-transformers4.49.0-cpu-py312-ubuntu22.04"

IDLE_SECONDS = 1.0  # after which a serverless instance stops

ECHO = """
import json, os
def model_fn(model_dir):
    return open(os.path.join(model_dir, "weights.txt"), encoding="utf-8").read()
def input_fn(body, content_type):
    return json.loads(body)["inputs"]
def predict_fn(data, model):
    if data == "":
        raise ValueError("inputs is empty; send some text")
    return [{"label": model, "text": data}]
def output_fn(prediction, accept):
    return json.dumps(prediction, ensure_ascii=False)
"""


def archive(**files: str) -> bytes:
    """A .tar.gz with these files; `__` in a name stands for a slash, a last `_py` for `.py`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for key, text in files.items():
            info = tarfile.TarInfo(key.replace("__", "/").replace("_py", ".py").replace("_txt", ".txt"))
            data = text.encode()
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def wait(what: Callable[[], Any], seconds: float = 30) -> Any:
    """The first true thing that `what` returns."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := what():
            return result
        time.sleep(0.05)
    raise AssertionError(f"still not so after {seconds} seconds")


def run_machine(
    aws: LocalAws, name: str, states: dict[str, Any], argument: object = None, stop: bool = False
) -> dict[str, Any]:
    """Runs a JSONata state machine that starts at its first state; returns how the execution ended."""
    machine = start_machine(aws, name, states, argument)
    return wait_machine(aws, machine)


def start_machine(aws: LocalAws, name: str, states: dict[str, Any], argument: object = None) -> str:
    client = aws.client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    execution: str = client.start_execution(
        stateMachineArn=machine["stateMachineArn"], input=json.dumps(argument or {})
    )["executionArn"]
    return execution


def wait_machine(aws: LocalAws, execution: str) -> dict[str, Any]:
    client = aws.client("stepfunctions")

    def ended() -> Any:
        result = client.describe_execution(executionArn=execution)
        return result if result["status"] != "RUNNING" else None

    result: dict[str, Any] = wait(ended)
    return result


def succeed(aws: LocalAws, name: str, states: dict[str, Any], argument: object = None) -> Any:
    """The output of a state machine that must succeed."""
    result = run_machine(aws, name, states, argument)
    assert result["status"] == "SUCCEEDED", (result.get("error"), result.get("cause"))
    return json.loads(result["output"])


def logged(aws: LocalAws, group: str, prefix: str) -> list[str]:
    """Messages of the log streams of that prefix."""
    logs = aws.client("logs")
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
    return [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]
