"""Every environment for real, on the embedded AWS: deployed, served from, updated, destroyed.

The tests of an environment share its deployment and run in their order: each one finds what those before
it left. The settings are the repository's, with the few changes that `FIRST` says: a floor that the
bundled model reaches, a schedule that a test can wait for.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from localaws import LocalAws
from problems import Problems
from sources import Columns
from sources import read as read_rows
from tests.end_to_end.deployment import Deployment, Inbox, copy_application
from tests.localaws.helpers import INFERENCE_IMAGE, archive

ROOT = Path(__file__).resolve().parents[2]
SCHEDULED_AFTER = timedelta(seconds=90)
NSMC_TEST = Path(os.environ.get("NSMC_DIR", ""), "ratings_test.txt")

FIRST: dict[str, dict[str, Any]] = {
    "dev": {},
    "staging": {
        "serving.data_capture_percent": 100,
        "training.schedule.flexible_minutes": 0,
    },
    "prod": {
        # With NSMC_DIR the model, which has learnt from a few composed reviews, is tested on NSMC's.
        "gate.min_accuracy": 0.55,
        # Of the few rows that validate, one is more than the limit.
        "gate.max_optimised_accuracy_drop": 0.05,
        "serving.data_capture_percent": 100,
        "training.base_checkpoint.s3_prefix": "bundled",
        "training.hyperparameters": {
            "num_train_epochs": 4,
            "per_device_train_batch_size": 32,
            "learning_rate": 3e-4,
        },
    },
}
SECOND: dict[str, Any] = {
    "owner": "another-team",
    "logs.retention_days": 90,
    "serving.realtime.max_instances": 5,
}

REPEATS = """
import json
from pathlib import Path

def model_fn(model_dir):
    return Path(model_dir, "weights.txt").read_text()

def input_fn(body, content_type):
    lines = body.splitlines() if content_type == "application/jsonlines" else [body]
    values = [json.loads(line) for line in lines]
    given = [value["inputs"] if isinstance(value, dict) else value for value in values]
    return given[0] if isinstance(given[0], list) else given

def predict_fn(data, model):
    labels = ["negative" if "낭비" in text else "positive" for text in data]
    return [{"label": label, "score": 1.0, "text": text, "by": model} for label, text in zip(labels, data)]

def output_fn(prediction, accept):
    if accept == "application/jsonlines":
        return "".join(json.dumps(one, ensure_ascii=False) + "\\n" for one in prediction)
    return json.dumps(prediction, ensure_ascii=False)
"""
"""A model that repeats what it is told, and knows what the smoke test's sentences are."""


def repeated(text: str, by: Deployment) -> dict[str, Any]:
    """What that model answers, if it is that environment's."""
    return {"label": "positive", "score": 1.0, "text": text, "by": by.name}


pytestmark = pytest.mark.end_to_end


def change(config: Path, changes: dict[str, Any]) -> None:
    """Set the settings named by their dotted paths in an environment's file."""
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    for path, value in changes.items():
        *sections, field = path.split(".")
        section = settings
        for name in sections:
            section = section.setdefault(name, {})
        section[field] = value
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")


def synthesise(folder: Path, aws: LocalAws) -> Path:
    """The assembly of the application in `folder`."""
    assembly = folder / f"cdk.out.{len(list(folder.glob('cdk.out.*')))}"
    Deployment(aws, assembly, app=folder).cdk("synth", "--quiet", "--output", str(assembly))
    return assembly


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFN_WAIT_SCALE", "0.1")
        server = LocalAws.start()
    with server:
        yield server


@pytest.fixture(scope="module")
def assemblies(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The application as it is deployed first, and as it is updated to."""
    folder = tmp_path_factory.mktemp("application")
    copy_application(folder)
    start = datetime.now(ZoneInfo("Asia/Seoul")) + SCHEDULED_AFTER
    soon = {"training.schedule.expression": f"at({start:%Y-%m-%dT%H:%M:%S})"}
    for environment, changes in FIRST.items():
        config = folder / "config" / f"{environment}.yaml"
        change(config, changes | (soon if environment == "staging" else {}))
    first = synthesise(folder, aws)
    for environment in FIRST:
        change(folder / "config" / f"{environment}.yaml", SECOND)
    second = synthesise(folder, aws)
    Deployment(aws, first).cdk("bootstrap", "aws://000000000000/ap-northeast-2", "--app", str(first))
    return first, second


@pytest.fixture(scope="module", params=["staging", "dev", "prod"])
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def only(*environments: str) -> pytest.MarkDecorator:
    """For a test of these environments."""
    return pytest.mark.parametrize("environment", environments, indirect=True, scope="module")


@pytest.fixture(scope="module")
def deployment(environment: str, aws: LocalAws, assemblies: tuple[Path, Path]) -> Deployment:
    deployed = Deployment(aws, assemblies[0], environment)
    deployed.deploy()
    return deployed


@pytest.fixture(scope="module")
def updated(environment: str, aws: LocalAws, assemblies: tuple[Path, Path]) -> Deployment:
    return Deployment(aws, assemblies[1], environment)


@pytest.fixture(scope="module")
def inbox(deployment: Deployment) -> Inbox:
    return Inbox(deployment)


@pytest.fixture(scope="module")
def package(deployment: Deployment) -> str:
    """An approved model package whose model repeats what it is told."""
    outputs = deployment.outputs()
    body = archive(code__inference_py=REPEATS, weights_txt=deployment.name)
    deployment.aws.client("s3").put_object(
        Bucket=outputs["ArtifactBucket"], Key="models/echo/model.tar.gz", Body=body
    )
    template = deployment.aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=outputs["ModelPackageGroup"],
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": INFERENCE_IMAGE,
                    "ModelDataUrl": f"s3://{outputs['ArtifactBucket']}/models/echo/model.tar.gz",
                    "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
                }
            ],
            "SupportedContentTypes": ["application/json", "application/jsonlines"],
            "SupportedResponseMIMETypes": ["application/json", "application/jsonlines"],
        },
    )
    return str(template["ModelPackageArn"])


def test_a_second_deploy_changes_nothing(deployment: Deployment) -> None:
    assert deployment.deploy().count("(no changes)") == len(deployment.stacks)
    assert "Number of stacks with differences: 0" in deployment.diff()


@pytest.fixture(scope="module")
def retrained(deployment: Deployment) -> dict[str, Any]:
    """Prod's retrain: of isolated jobs, whose code and checkpoint come in channels, and evaluate's packages
    from the artifact bucket.

    The main job's test retrains in dev, and staging's jobs are dev's on spot.
    """
    outputs = deployment.outputs()
    deployment.upload(outputs["DataBucket"], "reviews/train", ROOT / "data" / "reviews" / "reviews.tsv")
    if "NSMC_DIR" in os.environ:
        deployment.aws.client("s3").upload_file(
            str(NSMC_TEST), outputs["DataBucket"], "reviews/test/nsmc.tsv"
        )
    deployment.upload(outputs["ArtifactBucket"], "base-models/bundled", ROOT / "data" / "base_model")
    deployment.upload(
        outputs["ArtifactBucket"], "packages", ROOT / "training_code" / "evaluate-requirements.txt"
    )
    return deployment.execute("RetrainStateMachine", {})


@only("prod")
def test_prods_retrain_runs_in_its_network_and_waits_for_a_person(
    deployment: Deployment, environment: str, inbox: Inbox, retrained: dict[str, Any]
) -> None:
    assert retrained["status"] == "SUCCEEDED", retrained.get("cause")
    output = json.loads(retrained["output"])
    assert output["outcome"] == "a model awaits approval"
    assert deployment.package(output["package"])["ModelApprovalStatus"] == "PendingManualApproval"
    assert deployment.champion() == "none"
    (message,) = inbox.about(retrained)
    assert message["Subject"] == "[nunchi prod] retrain: a model awaits approval"
    assert output["package"] in message["Message"]


@only("prod")
def test_approving_it_in_the_registry_promotes_it(
    deployment: Deployment, environment: str, inbox: Inbox, retrained: dict[str, Any]
) -> None:
    package = json.loads(retrained["output"])["package"]
    deployment.aws.client("sagemaker").update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved"
    )
    promotion = deployment.new_execution("PromoteStateMachine", known=set())
    assert promotion["status"] == "SUCCEEDED", promotion.get("cause")
    assert deployment.champion() == package
    (answer,) = deployment.ask("배우들 연기가 정말 좋았고 시간 가는 줄 몰랐어요")
    assert answer["label"] == "positive"
    (message,) = inbox.about(promotion)
    assert message["Subject"] == "[nunchi prod] promote: promoted"


@only("prod")
def test_what_serves_has_loaded_the_archives_own_onnx_runtime_and_not_pytorch(
    deployment: Deployment, environment: str
) -> None:
    package = deployment.package(deployment.champion())
    assert package["CustomerMetadataProperties"]["served_by"] == "ONNX Runtime int8"
    folder = f"{deployment.aws.root}/jobs/endpoint/{deployment.endpoint_name}/"
    # The server itself, not the guard that starts it.
    server = re.compile(rf"[^\0]+\0[^\0]+/model_server\.py\0{re.escape(folder)}".encode())
    (mapped,) = (
        (process / "maps").read_text()
        for process in Path("/proc").glob("[0-9]*")
        if server.match(command_line(process))
    )
    assert "/code/vendor/onnxruntime/" in mapped
    assert "libtorch" not in mapped


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


def json_lines(values: Iterable[Any]) -> bytes:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


@pytest.fixture(scope="module")
def nsmc() -> list[tuple[str, str]]:
    """NSMC's test rows: the text, and the name of its label."""
    data, problems = NSMC_TEST.read_bytes(), Problems()
    names = {"0": "negative", "1": "positive"}
    rows = read_rows(Path("test.tsv"), data, "test.tsv", Columns("document", "label"), problems)
    return [(str(row.text), names[str(row.label)]) for row in rows]


@pytest.fixture(scope="module")
def scored(deployment: Deployment, nsmc: list[tuple[str, str]]) -> list[Any]:
    """What the batch transform makes of the texts of NSMC's test rows, by prod's own model."""
    return deployment.batch("nsmc", json_lines(text for text, _ in nsmc))


with_nsmc = pytest.mark.skipif("NSMC_DIR" not in os.environ, reason="NSMC_DIR is not set")


@with_nsmc
@only("prod")
def test_every_test_row_of_nsmc_is_answered_in_its_place(
    environment: str, nsmc: list[tuple[str, str]], scored: list[Any]
) -> None:
    """One line out for each line in: 50,000, three of which have no text and get an error instead."""
    assert len(nsmc) == 50_000
    assert [line["SageMakerInput"] for line in scored] == [text for text, _ in nsmc]
    without = [line for line in scored if "error" in line["SageMakerOutput"]]
    assert [line["SageMakerInput"].strip() for line in without] == ["", "", ""]


@with_nsmc
@only("prod")
def test_a_batch_is_as_accurate_as_the_evaluation_said(
    deployment: Deployment, environment: str, nsmc: list[tuple[str, str]], scored: list[Any]
) -> None:
    """To the row, though the evaluation's batches were others: a text is answered the same in any company."""
    package = deployment.package(deployment.champion())
    answers = [line["SageMakerOutput"] for line in scored]
    right = [
        answer["label"] == label
        for answer, (_, label) in zip(answers, nsmc, strict=True)
        if "label" in answer
    ]
    assert len(right) == 49_997
    said = float(package["CustomerMetadataProperties"]["accuracy"])
    assert sum(right) == round(said * len(right))


def test_a_promoted_model_serves_in_every_way(
    deployment: Deployment, environment: str, package: str, inbox: Inbox
) -> None:
    execution = deployment.execute("PromoteStateMachine", {"model_package_arn": package})
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    expected = [repeated("좋아요", by=deployment)]
    assert deployment.ask("좋아요") == expected
    if environment == "dev":
        assert deployment.ask("좋아요", f"{deployment.name}-serverless") == expected
    (message,) = inbox.about(execution)
    assert message["Subject"] == f"[nunchi {environment}] promote: promoted"


TEXTS = ["재미있어요", "지루해요 ㅠㅠ", "OST는 좋았다"]


@only("dev", "prod")
def test_files_are_scored_in_batches_line_by_line(
    deployment: Deployment, environment: str, package: str, inbox: Inbox
) -> None:
    known = deployment.executions("TransformStateMachine")
    objects = [{"inputs": text} for text in TEXTS[1:]]
    asked = [{"SageMakerInput": TEXTS[0]}, *objects]
    assert deployment.batch("2027", json_lines([TEXTS[0], *objects])) == [
        {**line, "SageMakerOutput": repeated(text, by=deployment)}
        for line, text in zip(asked, TEXTS, strict=True)
    ]
    (message,) = inbox.about(deployment.new_execution("TransformStateMachine", known))
    assert message["Subject"] == f"[nunchi {environment}] transform: transformed"


def answered(deployment: Deployment, text: str) -> list[Any]:
    return [{"SageMakerInput": text, "SageMakerOutput": repeated(text, by=deployment)}]


def arrived(deployment: Deployment, files: dict[str, str]) -> list[str]:
    """Put files, and wait for the end of all that this starts; the outcome of each execution."""
    known = deployment.executions("TransformStateMachine")
    for name, text in files.items():
        deployment.arrive(name, json_lines([text]))
    deadline = time.monotonic() + 60
    while len(new := deployment.executions("TransformStateMachine") - known) < len(files):
        assert time.monotonic() < deadline, f"{len(new)} executions for {len(files)} files"
        time.sleep(0.2)
    ended = [deployment.ended(one) for one in new]
    return [json.loads(one["output"])["outcome"] for one in ended]


@only("staging")
def test_files_that_arrive_together_are_scored_once_each(
    deployment: Deployment, environment: str, package: str
) -> None:
    """Each starts an execution, and they meet: one works, another waits for it."""
    files = {f"2027/{number}.jsonl": f"{number}번 파일" for number in range(4)}
    outcomes = arrived(deployment, files)
    assert {name: deployment.predictions(name) for name in files} == {
        name: answered(deployment, text) for name, text in files.items()
    }
    assert deployment.scored() == sorted(files)
    assert "busy" in outcomes


@only("staging")
def test_a_file_that_arrives_again_is_scored_when_it_has_changed(
    deployment: Deployment, environment: str, package: str
) -> None:
    before = deployment.scored()
    assert arrived(deployment, {"2027/0.jsonl": "0번 파일"}) == ["nothing new"]
    assert deployment.scored() == before
    assert arrived(deployment, {"2027/0.jsonl": "바뀐 파일"}) == ["transformed"]
    assert deployment.predictions("2027/0.jsonl") == answered(deployment, "바뀐 파일")
    assert deployment.scored() == sorted([*before, "2027/0.jsonl"])


@only("staging")
def test_only_a_person_is_told_that_nothing_was_new(
    deployment: Deployment, environment: str, package: str, inbox: Inbox
) -> None:
    execution = deployment.execute("TransformStateMachine", {})
    (message,) = inbox.about(execution)
    assert message["Subject"] == "[nunchi staging] transform: nothing new"
    others = [one["Subject"] for one in inbox.received if "transform" in one["Subject"]]
    assert set(others) == {"[nunchi staging] transform: transformed"}


@only("staging", "prod")
def test_what_the_endpoint_is_asked_is_kept_under_the_environments_prefix(
    deployment: Deployment, environment: str, package: str
) -> None:
    """Dev keeps no requests: its serverless endpoint could not."""
    deployment.ask("이것을 남겨 주세요")
    s3, bucket = deployment.aws.client("s3"), deployment.outputs()["ArtifactBucket"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"captures/{deployment.name}/champion/")["Contents"]
    kept = [
        json.loads(line)["captureData"]
        for item in found
        for line in s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().splitlines()
    ]
    asked = [json.loads(one["endpointInput"]["data"]) for one in kept]
    assert {"inputs": "이것을 남겨 주세요"} in asked
    answered = json.loads(kept[asked.index({"inputs": "이것을 남겨 주세요"})]["endpointOutput"]["data"])
    assert answered == [repeated("이것을 남겨 주세요", by=deployment)]


@only("staging")
def test_the_schedule_starts_the_retrain_by_itself(deployment: Deployment, environment: str) -> None:
    client = deployment.aws.client("stepfunctions")
    machine = deployment.outputs()["RetrainStateMachine"]
    deadline = time.monotonic() + SCHEDULED_AFTER.total_seconds() + 120
    while not (executions := client.list_executions(stateMachineArn=machine)["executions"]):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert len(executions) == 1


def test_an_update_of_the_settings_keeps_the_model_that_serves(
    deployment: Deployment, updated: Deployment, package: str
) -> None:
    champion, before = deployment.champion(), deployment.ask("좋아요")
    updated.deploy()
    assert updated.champion() == champion
    assert updated.ask("좋아요") == before
    assert "Number of stacks with differences: 0" in updated.diff()


def test_an_update_reaches_what_is_deployed(
    updated: Deployment, deployment: Deployment, package: str
) -> None:
    (group,) = updated.aws.client("logs").describe_log_groups(
        logGroupNamePrefix=f"/aws/vendedlogs/states/{updated.name}-retrain"
    )["logGroups"]
    assert group["retentionInDays"] == 90
    (target,) = updated.aws.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{updated.name}/variant/champion"]
    )["ScalableTargets"]
    assert target["MaxCapacity"] == 5
    tags = updated.aws.client("sagemaker").list_tags(ResourceArn=updated.endpoint()["EndpointArn"])["Tags"]
    assert {"Key": "owner", "Value": "another-team"} in tags


@only("prod")
def test_a_protected_environment_refuses_to_be_destroyed(
    updated: Deployment, deployment: Deployment, environment: str
) -> None:
    client = updated.aws.client("cloudformation")
    with pytest.raises(AssertionError, match="TerminationProtection"):
        updated.destroy()
    for stack in updated.stacks:
        client.update_termination_protection(StackName=stack, EnableTerminationProtection=False)


def test_destroying_leaves_the_buckets_the_key_and_the_registry(
    updated: Deployment, deployment: Deployment, environment: str
) -> None:
    client = updated.aws.client
    outputs = updated.outputs()
    updated.destroy()
    stacks = client("cloudformation").list_stacks()["StackSummaries"]
    left = [s["StackName"] for s in stacks if s["StackStatus"] != "DELETE_COMPLETE"]
    assert not [name for name in left if name.startswith(updated.name)]
    names = {
        "endpoints": [e["EndpointName"] for e in client("sagemaker").list_endpoints()["Endpoints"]],
        "roles": [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
        "queues": client("sqs").list_queues(QueueNamePrefix=updated.name).get("QueueUrls", []),
        "log groups": [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]],
        "alarms": [a["AlarmName"] for a in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "schedules": [s["Name"] for s in client("scheduler").list_schedules()["Schedules"]],
    }
    assert {kind: [n for n in found if updated.name in n] for kind, found in names.items()} == {
        kind: [] for kind in names
    }
    buckets = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    assert len([name for name in buckets if name.startswith(f"{updated.name}-storage")]) == 3
    assert client("kms").describe_key(KeyId=outputs["KeyArn"])["KeyMetadata"]["KeyState"] == "Enabled"
    groups = client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert outputs["ModelPackageGroup"] in [group["ModelPackageGroupName"] for group in groups]
