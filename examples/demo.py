"""The main job, shown: deploy, retrain, promote, predict.

`make demo` runs this on the embedded AWS. It speaks to AWS alone: the stock CDK CLI and boto3, at
the address that `AWS_ENDPOINT_URL` names.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from data import nsmc

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "demo"
ENVIRONMENT = "dev"
SENTENCES = [
    "배우들 연기가 정말 좋았고 시간 가는 줄 몰랐어요",
    "지루해서 중간에 껐습니다",
    "음식이 따뜻하고 정말 맛있었어요 ㅋㅋ",
    "스토리가 너무 뻔하고 지루했습니다 ㅠㅠ",
    "OST는 좋았는데 영화는 별로였다",
    "인생 영화입니다 10점 만점에 10점!",
]
# The bundled base model is small: its best rate is higher than that of a larger checkpoint, which takes the
# settings' values.
HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "bundled": {"num_train_epochs": 5, "per_device_train_batch_size": 32, "learning_rate": 3e-4},
    "nsmc": {
        "num_train_epochs": 2,
        "per_device_train_batch_size": 64,
        "learning_rate": 3e-4,
        "logging_steps": 500,
    },
}


def main() -> None:
    """Run the demo; ends with status 1 and a reason if a step fails."""
    parser = argparse.ArgumentParser(description="Deploy, retrain, promote and predict on the embedded AWS.")
    parser.add_argument("--data", choices=["bundled", "nsmc"], default="bundled")
    data = parser.parse_args().data
    if "AWS_ENDPOINT_URL" not in os.environ:
        sys.exit("AWS_ENDPOINT_URL is not set, so this would deploy to a real account. Run `make demo`.")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        say(f"Nunchi demo, on the embedded AWS at {os.environ['AWS_ENDPOINT_URL']}")
        step(1, "Deploy the dev environment with the CDK CLI")
        deploy()
        outputs = stack_outputs()
        step(2, "Upload the reviews and the base model")
        upload(data, outputs)
        step(3, "Retrain: the state machine, as it runs")
        run = retrain(data, outputs)
        step(4, "Ask the endpoint")
        predict(outputs["EndpointName"])
        step(5, "The evaluation report")
        report(run, outputs["ArtifactBucket"])
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
    except (DemoError, ValueError, OSError, BotoCoreError, ClientError) as error:
        sys.exit(f"\nThe demo stopped: {error}")
    say(f"\nDone in {time.monotonic() - started:.0f} s. What to try next:")
    say("  make demo DATA=nsmc     the same on 150,000 real reviews")
    say("  make local              an AWS of your own to deploy to, and to call with the AWS CLI")
    say("  config/dev.yaml         raise gate.min_accuracy to 0.99, and watch the gate say no")


Line = tuple[datetime, str]
"""What happened, and when."""

STEPS = [
    "Prepare",
    "Train",
    "Optimise",
    "UseOptimised",
    "Evaluate",
    "Gate",
    "Register",
    "RegisterRejected",
    "Promote",
    "RejectedByGate",
    "Promoted",
]


class DemoError(Exception):
    """A step that failed, and where to look."""


def say(line: str = "") -> None:
    """Print a line at once."""
    print(line, flush=True)


def step(number: int, title: str) -> None:
    """Print a step's heading."""
    say(f"\n{number}/5 {title}")


def deploy() -> None:
    """Synthesise once, then bootstrap and deploy what was synthesised."""
    cdk("synth", "--quiet", "-c", f"env={ENVIRONMENT}", says="synthesised, and checked by cdk-nag")
    account = boto3.client("sts").get_caller_identity()["Account"]
    region = boto3.session.Session().region_name
    cdk("bootstrap", f"aws://{account}/{region}", "--app", "cdk.out", says=f"bootstrapped {region}")
    cdk("deploy", "--all", "--app", "cdk.out", "--require-approval", "never", says="deployed")


def cdk(*arguments: str, says: str) -> None:
    """Run the CDK CLI, showing each stack as it is done; all that it prints goes to a log."""
    say(f"  cdk {arguments[0]} …")
    log = OUTPUT / f"cdk-{arguments[0]}.log"
    began = time.monotonic()
    command = [str(ROOT / "node_modules" / ".bin" / "cdk"), *arguments]
    if not Path(command[0]).exists():
        raise DemoError("the CDK CLI is not installed; run `make demo`, which installs it")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if line.strip().startswith("✅"):
                say(f"  {line.replace('✅', '').strip()}")
    if process.wait() != 0:
        tail = "".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[-15:])
        raise DemoError(f"cdk {arguments[0]} failed; all of it is in {log}\n{tail}")
    say(f"  {says} ({time.monotonic() - began:.0f} s)")


def stack_outputs() -> dict[str, str]:
    """The outputs of the environment's stacks, by key."""
    cloudformation = boto3.client("cloudformation")
    return {
        output["OutputKey"]: output["OutputValue"]
        for name in ("storage", "training", "serving", "monitoring")
        for output in cloudformation.describe_stacks(StackName=f"nunchi-{ENVIRONMENT}-{name}")["Stacks"][
            0
        ].get("Outputs", [])
    }


def upload(data: str, outputs: dict[str, str]) -> None:
    """Put the reviews where the retrain looks for them, and the base model below `base-models/`."""
    s3 = boto3.client("s3")
    if data == "nsmc":
        folder = nsmc.find(download_to=ROOT / ".local" / "nsmc")
        files = {
            "train/ratings_train.tsv": folder / "ratings_train.txt",
            "test/ratings_test.tsv": folder / "ratings_test.txt",
        }
    else:
        files = {"train/reviews.tsv": ROOT / "data" / "reviews" / "reviews.tsv"}
    for key, path in files.items():
        s3.upload_file(str(path), outputs["DataBucket"], f"reviews/{key}")
        say(f"  s3://{outputs['DataBucket']}/reviews/{key}")
    for path in sorted((ROOT / "data" / "base_model").glob("*.*")):
        s3.upload_file(str(path), outputs["ArtifactBucket"], f"base-models/bundled/{path.name}")
    say(f"  s3://{outputs['ArtifactBucket']}/base-models/bundled/")


def retrain(data: str, outputs: dict[str, str]) -> str:
    """Run the retrain state machine to its end, and return the execution's name."""
    states = boto3.client("stepfunctions")
    execution = states.start_execution(
        stateMachineArn=outputs["RetrainStateMachine"],
        input=json.dumps({"base_checkpoint": "bundled", "hyperparameters": HYPERPARAMETERS[data]}),
    )["executionArn"]
    run = str(execution).rsplit(":", 1)[1]
    sources = [
        entered_states(execution),
        metric_lines("/aws/sagemaker/TrainingJobs", f"nunchi-{ENVIRONMENT}-train-{run}/"),
        resource_events(f"nunchi-{ENVIRONMENT}-serving"),
    ]
    while True:
        status = states.describe_execution(executionArn=execution)
        for at, line in sorted(chain.from_iterable(map(next, sources)), key=itemgetter(0)):
            say(f"  {(at - status['startDate']).total_seconds():5.0f} s  {line}")
        if status["status"] != "RUNNING":
            break
        time.sleep(0.5)
    if status["status"] != "SUCCEEDED":
        raise DemoError(f"the retrain {status['status']}: {status.get('error')}: {status.get('cause')}")
    outcome = json.loads(status["output"])
    if outcome["outcome"] == "promoted":
        say(f"  {outcome['champion']} is the champion, served by {outcome['served_by']}")
    else:
        say(f"  the gate said no: {outcome['reason']}")
    return run


def entered_states(execution: str) -> Iterator[list[Line]]:
    """Each time it is asked, the steps that were entered since."""
    client = boto3.client("stepfunctions")
    seen = 0
    while True:
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        yield [
            (event["timestamp"], event["stateEnteredEventDetails"]["name"])
            for event in events[seen:]
            if event.get("stateEnteredEventDetails", {}).get("name") in STEPS
        ]
        seen = len(events)


def metric_lines(group: str, stream_prefix: str) -> Iterator[list[Line]]:
    """Each time it is asked, the losses that the training printed since."""
    client = boto3.client("logs")
    seen = 0
    while True:
        try:
            pages = client.get_paginator("filter_log_events").paginate(
                logGroupName=group, logStreamNamePrefix=stream_prefix
            )
            events = [event for page in pages for event in page["events"]]
        except client.exceptions.ResourceNotFoundException:
            events = []
        yield [
            (datetime.fromtimestamp(event["timestamp"] / 1000, UTC), f"    {event['message']}")
            for event in events[seen:]
            if event["message"].startswith(("[train]", "[validation]"))
        ]
        seen = len(events)


def resource_events(stack: str) -> Iterator[list[Line]]:
    """Each time it is asked, what happened to the stack's SageMaker resources since."""
    client = boto3.client("cloudformation")
    seen: set[str] = set()
    while True:
        pages = client.get_paginator("describe_stack_events").paginate(StackName=stack)
        events = [event for page in pages for event in page["StackEvents"]]
        yield [
            (event["Timestamp"], f"    {event['LogicalResourceId']} {event['ResourceStatus']}")
            for event in reversed(events)
            if event["EventId"] not in seen and event["ResourceType"].startswith("AWS::SageMaker::")
        ]
        seen.update(event["EventId"] for event in events)


def predict(endpoint: str) -> None:
    """Ask the endpoint about a few sentences, in one request."""
    if not boto3.client("sagemaker").list_endpoints(NameContains=endpoint)["Endpoints"]:
        say("  there is none: no model has passed the gate yet")
        return
    response = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint,
        ContentType="application/json",
        Body=json.dumps({"inputs": SENTENCES}, ensure_ascii=False).encode(),
    )
    for sentence, answer in zip(SENTENCES, json.load(response["Body"]), strict=True):
        say(f"  {answer['label']:<9} {answer['score']:.3f}  {sentence}")


def report(run: str, bucket: str) -> None:
    """Download what the evaluation wrote, and say where it lies."""
    s3 = boto3.client("s3")
    prefix = f"evaluations/{run}/"
    for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        s3.download_file(bucket, found["Key"], str(OUTPUT / found["Key"].removeprefix(prefix)))
    metrics = json.loads((OUTPUT / "evaluation.json").read_text(encoding="utf-8"))
    say(f"  accuracy {metrics['accuracy']:.3f}, macro-F1 {metrics['macro_f1']:.3f} on {metrics['rows']} rows")
    say(f"  {OUTPUT / 'report.html'}")
    say(f"  {OUTPUT / 'confusion_matrix.png'}")


if __name__ == "__main__":
    main()
