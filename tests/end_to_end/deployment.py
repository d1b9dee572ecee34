"""An environment, deployed to an embedded AWS with the stock CDK CLI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localaws import LocalAws

ROOT = Path(__file__).resolve().parents[2]


def copy_application(folder: Path) -> None:
    """Copy into `folder` what is synthesised, for a test that changes it."""
    for name in ("stacks", "training_code", "inference_code", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv").symlink_to(sys.prefix)


class Deployment:
    """Deploys, uploads, and runs the state machines as a person with the CLI would."""

    def __init__(self, aws: LocalAws, assembly: Path, environment: str = "dev", app: Path = ROOT) -> None:
        """Work on `environment` of the application in folder `app`, synthesised once into `assembly`."""
        self.aws = aws
        self.name = f"nunchi-{environment}"
        self.endpoint_name = self.name
        parts = ["storage", "training", "serving", "monitoring"]
        self.stacks = [
            f"{self.name}-{part}" for part in parts + (["network"] if environment == "prod" else [])
        ]
        self._parameter = f"/nunchi/{environment}/champion"
        self._app = app
        self._assembly = assembly

    def cdk(self, *arguments: str) -> str:
        """Run the CDK CLI against the embedded AWS and return all that it prints."""
        command = [str(ROOT / "node_modules" / ".bin" / "cdk"), *arguments]
        result = subprocess.run(
            command,
            cwd=self._app,
            env={**os.environ, **self.aws.env, "CDK_VALIDATION": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}"
        return result.stdout

    def deploy(self) -> str:
        """Deploy the environment's stacks from what was synthesised once."""
        if not self._assembly.exists():
            self.cdk("synth", "--quiet", "--output", str(self._assembly))
        return self.cdk("deploy", f"{self.name}-*", *self._from_assembly, "--require-approval", "never")

    def diff(self) -> str:
        """`cdk diff` of the environment's stacks."""
        return self.cdk("diff", f"{self.name}-*", *self._from_assembly)

    def destroy(self) -> str:
        """`cdk destroy` of the environment's stacks."""
        return self.cdk("destroy", f"{self.name}-*", "--force", *self._from_assembly)

    @property
    def _from_assembly(self) -> list[str]:
        return ["--app", str(self._assembly)]

    def outputs(self) -> dict[str, str]:
        """The outputs of all stacks, by key."""
        client = self.aws.client("cloudformation")
        return {
            output["OutputKey"]: output["OutputValue"]
            for stack in self.stacks
            for output in client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
        }

    def champion(self) -> str:
        """What the champion parameter holds."""
        return str(self.aws.client("ssm").get_parameter(Name=self._parameter)["Parameter"]["Value"])

    def stack_status(self, name: str) -> str:
        """The status of the environment's stack `name`."""
        stacks = self.aws.client("cloudformation").describe_stacks(StackName=f"{self.name}-{name}")["Stacks"]
        return str(stacks[0]["StackStatus"])

    def upload(self, bucket: str, prefix: str, path: Path) -> None:
        """Upload a file, or the files of a folder, below `prefix`."""
        s3 = self.aws.client("s3")
        for file in [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file()):
            s3.upload_file(str(file), bucket, f"{prefix}/{file.name}")

    def execute(self, machine: str, request: dict[str, Any]) -> dict[str, Any]:
        """Run a state machine (an output's key) to its end, and describe the execution."""
        started = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs()[machine], input=json.dumps(request)
        )
        return self.ended(started["executionArn"])

    def redrive(self, execution: dict[str, Any]) -> dict[str, Any]:
        """Let a failed execution go on, to its end, and describe it."""
        self.aws.client("stepfunctions").redrive_execution(executionArn=execution["executionArn"])
        return self.ended(execution["executionArn"])

    def executions(self, machine: str) -> set[str]:
        """The ARNs of all executions of a state machine (an output's key)."""
        found = self.aws.client("stepfunctions").list_executions(stateMachineArn=self.outputs()[machine])
        return {execution["executionArn"] for execution in found["executions"]}

    def new_execution(self, machine: str, known: set[str], seconds: float = 60) -> dict[str, Any]:
        """Wait for the one execution that is none of `known`, and for its end, and describe it."""
        deadline = time.monotonic() + seconds
        while not (new := self.executions(machine) - known):
            assert time.monotonic() < deadline, f"nothing has started {machine}"
            time.sleep(0.2)
        (arn,) = new
        return self.ended(arn)

    def ended(self, arn: str, seconds: float = 600) -> dict[str, Any]:
        """Wait for an execution's end, and describe it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            execution: dict[str, Any] = self.aws.client("stepfunctions").describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(0.5)
        raise AssertionError(f"{arn} did not end within {seconds} s")

    def last_state(self, execution: dict[str, Any]) -> str:
        """Name of the last state that an execution entered."""
        pages = (
            self.aws.client("stepfunctions")
            .get_paginator("get_execution_history")
            .paginate(executionArn=execution["executionArn"])
        )
        entered = [
            event["stateEnteredEventDetails"]["name"]
            for page in pages
            for event in page["events"]
            if event["type"].endswith("StateEntered")
        ]
        return str(entered[-1])

    def batch(self, name: str, lines: bytes) -> list[Any]:
        """Have a file of JSON Lines scored in a batch of its own; what stands in its place, a line each."""
        self.arrive(f"{name}/lines.jsonl", lines)
        execution = self.execute("TransformStateMachine", {})
        assert execution["status"] == "SUCCEEDED", execution.get("cause")
        return self.predictions(f"{name}/lines.jsonl")

    def arrive(self, name: str, body: bytes) -> None:
        """Put a file where the batch transform finds it."""
        bucket = self.outputs()["DataBucket"]
        self.aws.client("s3").put_object(Bucket=bucket, Key=f"incoming/{name}", Body=body)

    def predictions(self, name: str) -> list[Any]:
        """What stands in the place of a file's lines."""
        answers = self.read(f"s3://{self.outputs()['ArtifactBucket']}/predictions/{name}.out")
        return [json.loads(line) for line in answers.split(b"\n") if line]

    def scored(self) -> list[str]:
        """The files of all batch transform jobs, as their manifests name them."""
        s3, bucket = self.aws.client("s3"), self.outputs()["ArtifactBucket"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="batches/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        manifests = [json.loads(self.read(f"s3://{bucket}/{key}")) for key in keys]
        return sorted(name for _, *names in manifests for name in names)

    def read(self, uri: str) -> bytes:
        """An object, by its S3 URI."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content: bytes = self.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def package(self, arn: str) -> dict[str, Any]:
        """A model package's description."""
        found: dict[str, Any] = self.aws.client("sagemaker").describe_model_package(ModelPackageName=arn)
        return found

    def endpoint(self) -> dict[str, Any]:
        """The endpoint's description."""
        found: dict[str, Any] = self.aws.client("sagemaker").describe_endpoint(
            EndpointName=self.endpoint_name
        )
        return found

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Send the real-time endpoint a request; returns the status and the body of the model's answer."""
        client = self.aws.client("sagemaker-runtime")
        given = {name.replace("-", ""): value for name, value in headers.items()}
        try:
            response = client.invoke_endpoint(EndpointName=self.endpoint_name, Body=body, **given)
        except client.exceptions.ModelError as error:
            return error.response["OriginalStatusCode"], error.response["OriginalMessage"]
        return 200, response["Body"].read().decode()

    def ask(self, inputs: str | list[str], endpoint: str | None = None) -> list[dict[str, Any]]:
        """Invoke the real-time endpoint, or another."""
        response = self.aws.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint or self.endpoint_name,
            ContentType="application/json",
            Body=json.dumps({"inputs": inputs}, ensure_ascii=False).encode(),
        )
        answer: list[dict[str, Any]] = json.load(response["Body"])
        return answer


class Inbox:
    """What the environment's topic tells people."""

    def __init__(self, deployment: Deployment) -> None:
        self._sqs = deployment.aws.client("sqs")
        self._url = self._sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        deployment.aws.client("sns").subscribe(
            TopicArn=deployment.outputs()["NotificationTopic"], Protocol="sqs", Endpoint=arn["QueueArn"]
        )
        self.received: list[dict[str, Any]] = []
        """What has come, and was asked for by no `about` yet."""

    def about(self, execution: dict[str, Any], seconds: float = 60) -> list[dict[str, Any]]:
        """The messages about an execution's end, as SNS delivers them (`Subject`, `Message`); once each.

        Waits for the first, and then until the topic is quiet.
        """
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while not found and time.monotonic() < deadline:
            self.received += self._read()
            found = [one for one in self.received if one["Message"].endswith(execution["executionArn"])]
        self.received = [one for one in self.received if one not in found]
        return found

    def _read(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        ).get("Messages", []):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return found
