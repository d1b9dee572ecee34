"""An environment to break things in: dev, deployed, with a model that serves and a client that asks it."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.end_to_end.deployment import Deployment
from tests.localaws.helpers import INFERENCE_IMAGE, archive, wait

ROOT = Path(__file__).resolve().parents[2]
JOBS = Path(__file__).with_name("jobs")
TOLD = ("retrain", "promote", "transform")
MACHINES = (*TOLD, "train", "notify")
SECONDS = 120
STOPPING_SECONDS = 15


def application(folder: Path) -> Path:
    """A copy of the application, whose jobs are those of `jobs/`."""
    for name in ("stacks", "inference_code", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(JOBS, folder / "training_code", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv").symlink_to(sys.prefix)
    for config in (folder / "config").glob("*.yaml"):
        if config.stem != "dev":
            config.unlink()
    settings = yaml.safe_load((folder / "config/dev.yaml").read_text(encoding="utf-8"))
    # These jobs' model knows no sentiment.
    settings["serving"]["golden_sentences"] = []
    settings["training"] = {"base_checkpoint": {"s3_prefix": "bundled"}}
    (folder / "config/dev.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder


class Client(threading.Thread):
    """Asks the endpoint without a pause, and counts what was not answered."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(daemon=True)
        self._deployment, self._ended = deployment, threading.Event()
        self.answered, self.failures = 0, list[str]()

    def run(self) -> None:
        while not self._ended.wait(0.05):
            try:
                self._deployment.ask("재미있어요")
                self.answered += 1
            except Exception as error:
                self.failures.append(repr(error))

    def stop(self) -> None:
        self._ended.set()
        self.join()


class Laboratory:
    """A deployment, what it says to people, and whether anything is left of what ran in it."""

    def __init__(self, aws: LocalAws, assembly: Path) -> None:
        """Deploy, make a model serve, and begin to ask it."""
        self.aws = aws
        self.deployment = Deployment(aws, assembly)
        self.deployment.cdk("bootstrap", "aws://000000000000/ap-northeast-2", "--app", str(assembly))
        self.deployment.deploy()
        self.outputs = self.deployment.outputs()
        self._models = 0
        self._redrives = 0
        self._states = aws.client("stepfunctions")
        self._sqs = aws.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="faults")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        aws.client("sns").subscribe(
            TopicArn=self.outputs["NotificationTopic"],
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
        )
        put = aws.client("s3").put_object
        put(Bucket=self.outputs["DataBucket"], Key="reviews/all.tsv", Body="재미있어요\t1\n".encode())
        put(Bucket=self.outputs["ArtifactBucket"], Key="base-models/bundled/config.json", Body=b"{}")
        first = self.start("promote", {"model_package_arn": self.package()})
        assert self.ended(first)["status"] == "SUCCEEDED"
        self.quiet()
        self.messages(first)
        self.outputs = self.deployment.outputs()
        self.client = Client(self.deployment)
        self.client.start()

    def package(self, *, broken: bool = False) -> str:
        """A new approved model package; one that is broken cannot be loaded."""
        self._models += 1
        handlers = "raise ImportError('broken')" if broken else (JOBS / "inference.py").read_text("utf-8")
        key = f"models/made-{self._models}/model.tar.gz"
        body = archive(code__inference_py=handlers, label_txt=f"made-{self._models}")
        self.aws.client("s3").put_object(Bucket=self.outputs["ArtifactBucket"], Key=key, Body=body)
        made = self.aws.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.outputs["ModelPackageGroup"],
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [
                    {
                        "Image": INFERENCE_IMAGE,
                        "ModelDataUrl": f"s3://{self.outputs['ArtifactBucket']}/{key}",
                        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
                    }
                ],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )
        return str(made["ModelPackageArn"])

    def arn(self, machine: str, execution: str) -> str:
        """An execution's ARN, whether or not there is one."""
        return f"{self._machine(machine).replace(':stateMachine:', ':execution:')}:{execution}"

    def definition(self, machine: str) -> dict[str, Any]:
        """What is deployed."""
        arn = self._machine(machine)
        found: dict[str, Any] = json.loads(
            self._states.describe_state_machine(stateMachineArn=arn)["definition"]
        )
        return found

    def start(self, machine: str, request: dict[str, Any]) -> str:
        """Start an execution; returns its ARN."""
        arn, text = self._machine(machine), json.dumps(request, ensure_ascii=False)
        return str(self._states.start_execution(stateMachineArn=arn, input=text)["executionArn"])

    def redrive(self, execution: str) -> None:
        """Let an execution that failed go on where it failed."""
        self._states.redrive_execution(executionArn=execution)
        self._redrives += ":nunchi-dev-train:" not in execution and ":nunchi-dev-notify:" not in execution

    def stop(self, execution: str) -> None:
        """Stop an execution, as a person would."""
        self._states.stop_execution(executionArn=execution, cause="by hand")

    def ended(self, execution: str) -> dict[str, Any]:
        """The execution, once it has ended."""

        def found() -> Any:
            described = self._states.describe_execution(executionArn=execution)
            return described if described["status"] != "RUNNING" else None

        result: dict[str, Any] = wait(found, SECONDS)
        return result

    def arrive(self, name: str, body: bytes = b'"a"\n"b"\n') -> None:
        """Put a file where the batch transform finds it."""
        self.deployment.arrive(name, body)

    def predicted(self, name: str) -> list[Any]:
        """What stands in the place of a file's lines; nothing if it has no predictions."""
        try:
            return self.deployment.predictions(name)
        except self.aws.client("s3").exceptions.NoSuchKey:
            return []

    @contextmanager
    def asleep(self) -> Iterator[str]:
        """An execution that is at work for as long as this lasts."""
        machine = self._states.create_state_machine(
            name="asleep",
            definition=json.dumps(
                {
                    "StartAt": "Sleep",
                    "States": {"Sleep": {"Type": "Wait", "Seconds": 10**7, "End": True}},
                }
            ),
            roleArn="arn:aws:iam::000000000000:role/asleep",
        )["stateMachineArn"]
        execution = self._states.start_execution(stateMachineArn=machine, name="asleep")["executionArn"]
        try:
            yield str(execution)
        finally:
            self._states.stop_execution(executionArn=execution)
            self._states.delete_state_machine(stateMachineArn=machine)

    def running(self, machine: str) -> list[str]:
        """The executions at work."""
        found = self._states.list_executions(
            stateMachineArn=self._machine(machine), statusFilter="RUNNING", maxResults=1000
        )
        return [one["executionArn"] for one in found["executions"]]

    def executions(self, machine: str) -> list[str]:
        """All of them."""
        pages = self._states.get_paginator("list_executions").paginate(
            stateMachineArn=self._machine(machine), maxResults=1000
        )
        return [one["executionArn"] for page in pages for one in page["executions"]]

    def last(self, machine: str) -> str:
        """The execution that was started last."""
        found = self._states.list_executions(stateMachineArn=self._machine(machine), maxResults=1000)
        newest = max(found["executions"], key=lambda one: one["startDate"])
        return str(newest["executionArn"])

    def entered(self, execution: str) -> list[str]:
        """The names of all states that it entered, in order."""
        pages = self._states.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [
            event["stateEnteredEventDetails"]["name"]
            for page in pages
            for event in page["events"]
            if event["type"].endswith("StateEntered")
        ]

    def quiet(self) -> None:
        """Wait until nothing goes on any more, and every end has been told of, or should have been."""

        def settled() -> bool:
            ends = self._redrives
            for machine in MACHINES:
                if self.running(machine):
                    return False
                if machine in TOLD:
                    ends += self._count(machine)
            return self._count("notify") == ends and self._at_rest()

        wait(settled, SECONDS)

    def messages(self, *executions: str) -> int:
        """How many messages about the executions came since the last time; there are no others."""
        found: list[str] = []
        while more := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for one in more:
                found.append(json.loads(one["Body"])["Message"])
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=one["ReceiptHandle"])
        assert all(any(one in text for one in executions) for text in found), found
        return len(found)

    def disagreement(self) -> str:
        """What is wrong between the champion parameter and what serves; empty if nothing is."""
        champion = self.deployment.champion()
        client = self.aws.client("sagemaker")
        for name in (self.outputs["EndpointName"], self.outputs["ServerlessEndpointName"]):
            endpoint = client.describe_endpoint(EndpointName=name)
            config = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
            model = client.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
            served = model["PrimaryContainer"]["ModelPackageName"]
            if served != champion:
                return f"the parameter names {champion.split('/')[-1]}, {name} serves {served.split('/')[-1]}"
        return ""

    def leftovers(self) -> list[str]:
        """Jobs, endpoints and locks that are there and should not be."""
        client = self.aws.client("sagemaker")
        left = []
        for kind in ("training", "processing", "transform"):
            shape = f"{kind.title()}Job"
            jobs = getattr(client, f"list_{kind}_jobs")(MaxResults=100)[f"{shape}Summaries"]
            left += [
                f"{kind} job {job[f'{shape}Name']}"
                for job in jobs
                if job[f"{shape}Status"] in ("InProgress", "Stopping") and not self._ends(kind, shape, job)
            ]
        ours = {self.outputs["EndpointName"], self.outputs["ServerlessEndpointName"]}
        names = {one["EndpointName"] for one in client.list_endpoints()["Endpoints"]}
        left += [f"endpoint {name}" for name in names - ours]
        left += [f"lock {name}" for name in self.locks()]
        return left + ([wrong] if (wrong := self.disagreement()) else [])

    def _ends(self, kind: str, shape: str, job: dict[str, Any]) -> bool:
        """Whether a job that was told to stop does so."""
        describe = getattr(self.aws.client("sagemaker"), f"describe_{kind}_job")
        name = {f"{shape}Name": job[f"{shape}Name"]}
        deadline = time.monotonic() + STOPPING_SECONDS
        while describe(**name)[f"{shape}Status"] in ("InProgress", "Stopping"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def locks(self) -> list[str]:
        """The names of the locks that are held, but for those of a holder that never was."""
        items = self.aws.client("dynamodb").scan(TableName="nunchi-dev-locks")["Items"]
        return [item["name"]["S"] for item in items if not item["holder"]["S"].endswith((":gone", ":asleep"))]

    def hold(
        self, lock: str, holder: str, expires_at: int = 2**40, *, next: str | None = None
    ) -> Callable[[], object]:
        """Hold a lock in the name of the execution `holder`, and `next` wait for it.

        Returns what gives it back.
        """
        client = self.aws.client("dynamodb")
        item = {"name": {"S": lock}, "holder": {"S": holder}, "expires_at": {"N": str(expires_at)}}
        waits = {"next": {"S": next}} if next else {}
        client.put_item(TableName="nunchi-dev-locks", Item=item | waits)
        return lambda: client.delete_item(TableName="nunchi-dev-locks", Key={"name": {"S": lock}})

    def _count(self, machine: str) -> int:
        return len(self.executions(machine))

    def _at_rest(self) -> bool:
        return not self.deployment.stack_status("serving").endswith("IN_PROGRESS")

    def _machine(self, name: str) -> str:
        return f"arn:aws:states:ap-northeast-2:000000000000:stateMachine:nunchi-dev-{name}"


def until(what: Callable[[], Any]) -> Any:
    """The first true thing that `what` returns; an API's error is none."""

    def found() -> Any:
        try:
            return what()
        except ClientError:
            return None

    return wait(found, SECONDS)
