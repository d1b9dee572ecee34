"""Every command that the documentation shows runs here, or is listed with the reason why it cannot.

They share one deployment of dev on the embedded AWS and run in the order of the pages, what tears down last.
The model behind the endpoint repeats what it is told, and a retrain is stopped once it has begun.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws import LocalAws
from tests.docs.own_data import reviews_csv
from tests.end_to_end.deployment import Deployment
from tests.localaws.helpers import ECHO, INFERENCE_IMAGE, archive, wait_machine

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-docs" / "bin" / "python"
DEPLOY = "npx cdk bootstrap && npx cdk deploy -c env=dev --all"
DEAD_LETTERS = "nunchi-prod-training-dead-letters"

NOT_HERE = {
    "make demo": "tests/examples/test_demo.py has the demo, tests/end_to_end what it does",
    "make test": "this is part of it",
    "make local": "it runs until Ctrl-C; tests/localaws/test_local_aws.py has it",
    ".venv/bin/python -m localaws -- COMMAND": "tests/localaws/test_local_aws.py has it",
    "make review": "it compares two commits; tests/review has it",
    ".venv/bin/python -m review": "it compares two commits; tests/review has it",
    ".venv/bin/python benchmarks/accuracy.py": "it needs a checkpoint; tests/benchmarks has its parts",
    ".venv/bin/python -m benchmarks.inference": "it measures; what it prints is another machine's",
    ".venv/bin/python benchmarks/serving": "it measures for minutes; tests/benchmarks has its parts",
    ".venv/bin/python benchmarks/training": "it measures for minutes; tests/benchmarks has its parts",
    "npm ci": "it needs the package registries; the Makefile does the same",
    "python3 -m venv": "it needs the package registries; the Makefile does the same",
    "huggingface-cli download": "it needs the Hugging Face Hub",
    "pip download": "it needs the package registries",
    "export AWS_PROFILE": "it names a profile of a real account",
    "aws service-quotas": "the embedded AWS has no quotas",
    "npx cdk deploy 'nunchi-prod-*'": "tests/end_to_end/test_environments.py deploys prod",
    "npx cdk deploy -c env=prod": "tests/end_to_end/test_environments.py deploys prod",
}
"""Beginning of a command → why it does not run here."""

LAST = (
    "npx cdk destroy",
    "aws s3api delete-objects",
    "aws s3api delete-bucket",
    "aws sagemaker delete-model-package ",
    "aws sagemaker delete-model-package-group",
    "aws kms schedule-key-deletion",
)
SAYS = {
    "aws sagemaker-runtime invoke-endpoint": '"text": ["정말 재미있어요", "시간이 아까웠다"]',
    "curl": '"text": "정말 재미있어요"',
    "aws sagemaker list-model-packages": "<package>\tApproved",
    "aws sagemaker describe-model-package": "promoted_at",
    "aws ssm get-parameter-history": "<package>",
    "aws sagemaker describe-model ": "<package>",
    "aws sqs receive-message": "AccessDeniedException",
    "aws s3api list-object-versions": "<delete marker>",
}
"""Beginning of a command → what stands in its answer."""


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(page: Path) -> list[str]:
    """The commands of a page's console blocks, without what is said about them."""
    found: list[str] = []
    for block in re.findall(
        r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        lines = iter(block.splitlines())
        for line in lines:
            if line.startswith("$ "):
                command = re.sub(r"\s{2,}# .*", "", line.removeprefix("$ "))
                while is_unfinished(command):
                    command += "\n" + next(lines)
                found.append(command.replace("<계정>", "<account>"))
    return found


def is_unfinished(command: str) -> bool:
    try:
        return command.endswith("\\") or not shlex.split(command)
    except ValueError:  # a quote that is not closed
        return True


def listed(command: str) -> str | None:
    """Why it is not run, if it is not. One that `&&` joins is listed when one of its parts is."""
    parts = command.split(" && ")
    return next((NOT_HERE[start] for start in NOT_HERE for part in parts if part.startswith(start)), None)


SHOWN = list(dict.fromkeys(command for page in pages() for command in commands(page)))
RUN = sorted(
    (command for command in SHOWN if not listed(command) and command not in DEPLOY),
    key=lambda command: next((n for n, start in enumerate(LAST, 1) if command.startswith(start)), 0),
)


class Console:
    """A person's folder and shell, with an AWS that dev is deployed to."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self.aws = aws
        self.folder = folder
        self.deployment = Deployment(aws, folder / "cdk.out")
        self.values: dict[str, str] = {"account": "000000000000"}

    def run(self, command: str) -> str:
        """What a command prints, its names in angle brackets being what they stand for."""
        filled = self.fill(command)
        # The second AWS CLI would take the body for base64. The first, which is the one here, never does.
        filled = filled.replace("--cli-binary-format raw-in-base64-out ", "")
        # Nor does it look at AWS_ENDPOINT_URL when it speaks to SQS.
        filled = filled.replace("aws sqs", 'aws --endpoint-url "$AWS_ENDPOINT_URL" sqs')
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", filled],
            cwd=self.folder,
            env={
                **os.environ,
                **self.aws.env,
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "AWS_SESSION_TOKEN": "none",
                # A person's yes to what a deployment changes, and to its end.
                "CDK_REQUIRE_APPROVAL": "never",
                "CDK_FORCE": "true",
            },
            capture_output=True,
            encoding="utf-8",
        )
        assert result.returncode == 0, f"$ {filled}\n{result.stdout}{result.stderr}"
        return result.stdout

    def fill(self, text: str) -> str:
        return re.sub(r"<(\w[\w ]*)>", lambda name: self.values[name[1]], text)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    assert PYTHON.exists(), "the AWS CLI is not installed: make .venv-docs/made"
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("stacks", "training_code", "inference_code", "config", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, folder)
    for name, target in (
        ("data", ROOT / "data"),
        ("node_modules", ROOT / "node_modules"),
        (".venv", sys.prefix),
    ):
        (folder / name).symlink_to(target)
    # pip's own `aws` does not run from a path with a space.
    cli = folder / "bin" / "aws"
    cli.parent.mkdir()
    cli.write_text(f'#!/bin/sh\nexec "{PYTHON}" -m awscli "$@"\n', encoding="utf-8")
    cli.chmod(0o755)
    # What a person brings along, or downloads with a command that is listed.
    for name in ("koelectra-small-v3/config.json", "koelectra-base-v3/config.json", "packages/a.whl"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("{}", encoding="utf-8")
    for name in ("reviews.csv", "test.csv"):
        (folder / name).write_text(reviews_csv(), encoding="utf-8")
    (folder / "reviews.jsonl").write_text('{"inputs": "재미있어요"}\n', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFN_WAIT_SCALE", "0.1")
        server = LocalAws.start()
    with server as aws:
        made = Console(aws, folder)
        made.run(DEPLOY)
        _prepare(made)
        yield made


def _prepare(console: Console) -> None:
    """A champion, a dead letter, an object that was deleted, a job's log: what the pages speak of."""
    client, values = console.aws.client, console.values
    values.update(console.deployment.outputs())
    s3, bucket = client("s3"), values["ArtifactBucket"]
    # The promotion asks for a score.
    code = ECHO.replace('"text": data', '"score": 1.0, "text": data')
    body = archive(code__inference_py=code, weights_txt="echo")
    s3.put_object(Bucket=bucket, Key="models/echo/model.tar.gz", Body=body)
    container = {
        "Image": INFERENCE_IMAGE,
        "ModelDataUrl": f"s3://{bucket}/models/echo/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    values["package"] = client("sagemaker").create_model_package(
        ModelPackageGroupName=values["ModelPackageGroup"],
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    promotion = console.deployment.execute("PromoteStateMachine", {"model_package_arn": values["package"]})
    assert promotion["status"] == "SUCCEEDED", promotion.get("cause")
    (model,) = client("sagemaker").list_models()["Models"]
    values["model"] = model["ModelName"]
    values["execution"], values["run"] = promotion["executionArn"], promotion["name"]
    values["failed execution"] = console.deployment.execute("PromoteStateMachine", {})["executionArn"]
    sqs = client("sqs")
    sqs.send_message(
        QueueUrl=sqs.create_queue(QueueName=DEAD_LETTERS)["QueueUrl"],
        MessageBody="{}",
        MessageAttributes={
            name: {"DataType": "String", "StringValue": "AccessDeniedException"}
            for name in ("ERROR_CODE", "ERROR_MESSAGE")
        },
    )
    reviews = {"Bucket": values["DataBucket"], "Key": "reviews/train/reviews.tsv"}
    values["version"] = s3.put_object(**reviews, Body=b"id")["VersionId"]
    values["delete marker"] = s3.delete_object(**reviews)["VersionId"]
    values["bucket"] = values["DataBucket"]
    client("logs").create_log_group(logGroupName="/aws/sagemaker/ProcessingJobs")


def test_the_python_that_calls_the_endpoint_runs(console: Console) -> None:
    page = (ROOT / "docs" / "calling-the-endpoint.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (console.folder / "call.py").write_text(source, encoding="utf-8")
    assert "시간이 아까웠다" in console.run(".venv/bin/python call.py")


@pytest.mark.parametrize("command", RUN, ids=[command.splitlines()[0] for command in RUN])
def test_a_command_of_the_documentation_runs(console: Console, command: str) -> None:
    answer = console.run(command)
    for start, said in SAYS.items():
        if command.startswith(start):
            assert console.fill(said) in answer
    if command.startswith("aws stepfunctions start-execution"):
        _see_to_its_end(console, json.loads(answer)["executionArn"])


def _see_to_its_end(console: Console, execution: str) -> None:
    """A retrain is stopped; what takes seconds succeeds."""
    client = console.aws.client("stepfunctions")
    if ":nunchi-dev-retrain:" in execution:
        client.stop_execution(executionArn=execution)
        return
    ended = wait_machine(console.aws, execution)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")


@pytest.mark.parametrize("start", NOT_HERE)
def test_a_command_that_is_listed_as_not_run_is_shown_somewhere(start: str) -> None:
    """Or the list would excuse what is mended, or gone."""
    assert [command for command in SHOWN if any(part.startswith(start) for part in command.split(" && "))]
