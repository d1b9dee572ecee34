"""The main job for real, on the embedded AWS: deploy, retrain, promote, predict, and what goes wrong.

The tests share one deployment and run in their order: each one finds what those before it left.
With NSMC_DIR and BASE_MODEL_DIR it is 2,000 real reviews and a real checkpoint; without, the bundled ones.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from localaws import LocalAws
from normalisation import normalise
from tests.end_to_end.deployment import Deployment, Inbox
from tests.localaws.helpers import succeed
from tests.toolkit.cases import CASES
from tests.toolkit.server import ToolkitServer

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = ["배우들 연기가 정말 좋았어요", "돈이 아깝다. 중간에 나왔음", "그냥 그래요 ㅋㅋ 10점 만점에 5점"]
REAL = "NSMC_DIR" in os.environ and "BASE_MODEL_DIR" in os.environ
REQUEST: dict[str, Any] = (
    {
        "base_checkpoint": "me5-small-ko",
        "hyperparameters": {
            "num_train_epochs": 1,
            "per_device_train_batch_size": 16,
            "learning_rate": 1e-4,
            "max_seq_length": 64,
        },
    }
    if REAL
    else {
        "base_checkpoint": "bundled",
        "hyperparameters": {
            "num_train_epochs": 8,
            "per_device_train_batch_size": 32,
            "learning_rate": 1e-3,
        },
    }
)
# Too few steps, too small: the model stays where chance put it.
HOPELESS = {
    "data_prefix": "few/",
    "base_checkpoint": "bundled",
    "hyperparameters": {"num_train_epochs": 1, "learning_rate": 1e-8},
}

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The dev environment with reviews and base models, and no model yet."""
    with LocalAws.start() as aws:
        deployed = Deployment(aws, tmp_path_factory.mktemp("assembly with a space") / "cdk.out")
        deployed.cdk("bootstrap", "aws://000000000000/ap-northeast-2")
        deployed.deploy()
        outputs = deployed.outputs()
        reviews = tmp_path_factory.mktemp("reviews")
        for split, rows in (("train", 2000), ("test", 500)) if REAL else (("train", 10_000),):
            source = (
                Path(os.environ["NSMC_DIR"]) / f"ratings_{split}.txt"
                if REAL
                else ROOT / "data" / "reviews" / "reviews.tsv"
            )
            with source.open(encoding="utf-8") as lines:
                text = "".join(itertools.islice(lines, rows + 1))
            (reviews / f"{split}.tsv").write_text(text, encoding="utf-8")
            deployed.upload(outputs["DataBucket"], f"reviews/{split}", reviews / f"{split}.tsv")
        deployed.upload(outputs["DataBucket"], "few/train", ROOT / "data" / "reviews" / "reviews.tsv")
        if REAL:
            deployed.upload(
                outputs["ArtifactBucket"], "base-models/me5-small-ko", Path(os.environ["BASE_MODEL_DIR"])
            )
        deployed.upload(outputs["ArtifactBucket"], "base-models/bundled", ROOT / "data" / "base_model")
        yield deployed


@pytest.fixture(scope="module")
def inbox(deployment: Deployment) -> Inbox:
    return Inbox(deployment)


@pytest.fixture(scope="module")
def promoted(deployment: Deployment, inbox: Inbox) -> dict[str, Any]:
    """The output of the first retrain, whose model was promoted."""
    execution = deployment.execute("RetrainStateMachine", REQUEST)
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    output: dict[str, Any] = json.loads(execution["output"])
    return output


def test_before_the_first_retrain_a_second_deploy_changes_nothing(deployment: Deployment) -> None:
    assert deployment.deploy().count("(no changes)") == len(deployment.stacks)
    assert "Number of stacks with differences: 0" in deployment.diff()
    assert deployment.champion() == "none"


def test_a_retrain_promotes_its_model(deployment: Deployment, promoted: dict[str, Any]) -> None:
    assert promoted["outcome"] == "promoted"
    assert promoted["champion"] == deployment.champion()
    assert deployment.endpoint()["EndpointStatus"] == "InService"


def test_people_are_told_of_the_promotion_once_and_what_serves(
    promoted: dict[str, Any], inbox: Inbox
) -> None:
    (message,) = inbox.read()
    assert message["Subject"] == "[nunchi dev] promotion succeeded"
    assert promoted["champion"] in message["Message"]
    assert f"served by {promoted['served_by']}" in message["Message"]


def test_the_validation_rows_choose_what_serves_and_the_registry_says_which(
    deployment: Deployment, promoted: dict[str, Any]
) -> None:
    """With few rows either may be: one row of two hundred is half a point, and the limit is less."""
    package = deployment.package(promoted["champion"])
    properties = package["CustomerMetadataProperties"]
    folder = f"s3://{deployment.outputs()['ArtifactBucket']}/models/{properties['run']}/optimised/"
    found = json.loads(deployment.read(f"{folder}optimisation.json"))
    good = found["exported"] and round(found["accuracy_drop"], 9) <= 0.003
    (container,) = package["InferenceSpecification"]["Containers"]
    assert properties["served_by"] == ("ONNX Runtime int8" if good else "PyTorch")
    assert package["ModelPackageDescription"].endswith(f"served by {promoted['served_by']}")
    assert container["ModelDataUrl"].startswith(folder) == good


@pytest.mark.parametrize(
    ("name", "found", "served_by"),
    [
        (
            "lossy",
            {"exported": True, "reason": None, "rows": 1200, "accuracy_drop": 0.005},
            "PyTorch: the int8 variant loses 0.5 points on 1,200 validation rows (limit 0.3)",
        ),
        (
            "impossible",
            {"exported": False, "reason": "no such operator", "accuracy_drop": None},
            "PyTorch: no such operator",
        ),
    ],
)
def test_a_variant_that_loses_too_much_or_cannot_be_made_leaves_pytorch_with_what_was_trained(
    deployment: Deployment, name: str, found: dict[str, Any], served_by: str
) -> None:
    """The deployed states that choose, by themselves: a model that loses as much is not to be had at will."""
    outputs, machines = deployment.outputs(), deployment.aws.client("stepfunctions")
    deployment.aws.client("s3").put_object(
        Bucket=outputs["ArtifactBucket"],
        Key=f"models/{name}/optimised/optimisation.json",
        Body=json.dumps(found).encode(),
    )
    retrain = machines.describe_state_machine(stateMachineArn=outputs["RetrainStateMachine"])
    states = json.loads(retrain["definition"])["States"]
    trained = {"run": name, "modelData": "s3://trained", "servedBy": "PyTorch"}
    choice = {
        "Trained": {"Type": "Pass", "Assign": trained, "Next": "ReadOptimisation"},
        **{state: states[state] for state in ("ReadOptimisation", "ChooseVariant", "UseOptimised")},
        "ReadChampion": {"Type": "Succeed", "Output": "{% [$modelData, $servedBy] %}"},
        "NotifyFailure": {"Type": "Fail"},
    }
    assert succeed(deployment.aws, name, choice) == ["s3://trained", served_by]
    machines.delete_state_machine(stateMachineArn=retrain["stateMachineArn"].replace(retrain["name"], name))


def test_the_real_toolkit_serves_the_champion_as_the_endpoint_does(
    deployment: Deployment, promoted: dict[str, Any], tmp_path: Path
) -> None:
    (container,) = deployment.package(promoted["champion"])["InferenceSpecification"]["Containers"]
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(deployment.read(container["ModelDataUrl"]))
    server = ToolkitServer(archive, tmp_path / "server")
    try:
        for case in CASES:
            # boto3 sends none without a content type, and no other characters than ASCII's.
            if "Content-Type" in case.headers and all(value.isascii() for value in case.headers.values()):
                expected = server.ask(case.body, case.headers)
                status, body = deployment.invoke(case.body, case.headers)
                assert status == expected.status, case.name
                assert case.error == "" or body == expected.body.decode(), case.name
    finally:
        server.stop()


def test_the_endpoint_answers_nearly_as_the_trained_model_does_when_loaded_directly(
    deployment: Deployment, promoted: dict[str, Any], tmp_path: Path
) -> None:
    """Nearly: what serves may compute with eight bits."""
    run = deployment.package(promoted["champion"])["CustomerMetadataProperties"]["run"]
    job = deployment.aws.client("sagemaker").describe_training_job(TrainingJobName=f"nunchi-dev-train-{run}")
    archive = deployment.read(job["ModelArtifacts"]["S3ModelArtifacts"])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tmp_path, filter="data")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path, local_files_only=True).eval()
    with torch.inference_mode():
        encoded = tokenizer([normalise(s) for s in SENTENCES], padding=True, return_tensors="pt")
        scores, labels = model(**encoded).logits.softmax(-1).max(-1)
    answers = deployment.ask(SENTENCES)
    assert [answer["label"] for answer in answers] == [model.config.id2label[int(i)] for i in labels]
    assert [answer["score"] for answer in answers] == pytest.approx(scores.tolist(), abs=0.05)


def test_the_evaluation_beats_chance_and_is_kept_with_its_picture(
    deployment: Deployment, promoted: dict[str, Any]
) -> None:
    package = deployment.package(promoted["champion"])
    uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    metrics = json.loads(deployment.read(uri))["binary_classification_metrics"]
    # Well above the gate's floor of 0.6, and above chance by six standard deviations of 240 rows.
    assert metrics["accuracy"]["value"] > 0.7
    picture = deployment.read(uri.replace("model_quality.json", "confusion_matrix.png"))
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")


def test_after_a_promotion_a_deploy_keeps_the_champion(
    deployment: Deployment, promoted: dict[str, Any]
) -> None:
    """The hard part of MLOps in CloudFormation: the next deploy must not roll the model back."""
    assert "Number of stacks with differences: 0" in deployment.diff()
    assert deployment.deploy().count("(no changes)") == len(deployment.stacks)
    assert deployment.champion() == promoted["champion"]
    assert len(deployment.ask(SENTENCES)) == 3


def test_a_training_script_that_raises_is_told_in_its_own_words_and_changes_nothing(
    deployment: Deployment, promoted: dict[str, Any], inbox: Inbox, tmp_path: Path
) -> None:
    inbox.read()
    before = deployment.ask(SENTENCES)
    for file in (ROOT / "data" / "base_model").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    deployment.upload(deployment.outputs()["ArtifactBucket"], "base-models/broken", tmp_path)
    execution = deployment.execute("RetrainStateMachine", {**HOPELESS, "base_checkpoint": "broken"})
    assert (execution["status"], execution["error"]) == ("FAILED", "TrainFailed")
    (message,) = inbox.read()
    assert message["Subject"] == "[nunchi dev] retrain failed"
    assert "Train failed: AlgorithmError: SafetensorError" in message["Message"]
    assert "The model that serves has not changed." in message["Message"]
    assert deployment.champion() == promoted["champion"]
    assert deployment.ask(SENTENCES) == before


def test_bad_reviews_are_told_of_with_the_file_and_the_row(
    deployment: Deployment, promoted: dict[str, Any], inbox: Inbox, tmp_path: Path
) -> None:
    inbox.read()
    (tmp_path / "bad.tsv").write_text("id\tdocument\tlabel\n1\t좋아요\t7\n", encoding="utf-8")
    deployment.upload(deployment.outputs()["DataBucket"], "bad/train", tmp_path / "bad.tsv")
    execution = deployment.execute("RetrainStateMachine", {"data_prefix": "bad/"})
    assert (execution["status"], execution["error"]) == ("FAILED", "PrepareFailed")
    (message,) = inbox.read()
    assert "bad.tsv" in message["Message"]
    assert "'7'" in message["Message"]


def test_an_unknown_field_of_the_input_is_refused_before_anything_runs(
    deployment: Deployment, inbox: Inbox
) -> None:
    inbox.read()
    execution = deployment.execute("RetrainStateMachine", {"data_prefx": "few/"})
    assert execution["error"] == "InputFailed"
    assert "data_prefx; allowed: data_prefix" in execution["cause"]
    assert len(inbox.read()) == 1


def test_a_gate_that_says_no_ends_in_its_own_state_and_registers_the_rejection(
    deployment: Deployment, promoted: dict[str, Any], inbox: Inbox
) -> None:
    inbox.read()
    before = deployment.ask(SENTENCES)
    execution = deployment.execute("RetrainStateMachine", HOPELESS)
    assert execution["status"] == "SUCCEEDED"
    assert deployment.last_state(execution) == "RejectedByGate"
    output = json.loads(execution["output"])
    package = deployment.package(output["package"])
    assert package["ModelApprovalStatus"] == "Rejected"
    assert "below the floor of 0.6" in package["ModelPackageDescription"]
    assert deployment.champion() == promoted["champion"]
    assert deployment.ask(SENTENCES) == before
    (message,) = inbox.read()
    assert message["Subject"] == "[nunchi dev] retrain stopped by the gate"


def register(deployment: Deployment, champion: str, archive: bytes | None = None) -> str:
    """Register a model archive (the champion's own if none is given), approved; return its package's ARN."""
    sagemaker = deployment.aws.client("sagemaker")
    specification = sagemaker.describe_model_package(ModelPackageName=champion)["InferenceSpecification"]
    if archive is not None:
        bucket = deployment.outputs()["ArtifactBucket"]
        deployment.aws.client("s3").put_object(Bucket=bucket, Key="models/broken/model.tar.gz", Body=archive)
        specification["Containers"][0]["ModelDataUrl"] = f"s3://{bucket}/models/broken/model.tar.gz"
    return str(
        sagemaker.create_model_package(
            ModelPackageGroupName=deployment.outputs()["ModelPackageGroup"],
            InferenceSpecification=specification,
            ModelApprovalStatus="Approved",
        )["ModelPackageArn"]
    )


class Caller(threading.Thread):
    """Calls the endpoint in a loop, and remembers what it was told."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(daemon=True)
        self._deployment = deployment
        self._done = threading.Event()
        self.answers = 0
        self.failures: list[Exception] = []

    def run(self) -> None:
        while not self._done.wait(0.05):
            try:
                self._deployment.ask(SENTENCES[0])
                self.answers += 1
            except Exception as error:
                self.failures.append(error)

    def __enter__(self) -> Caller:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()


def test_an_archive_that_cannot_be_loaded_is_rolled_back_without_a_missed_answer(
    deployment: Deployment, promoted: dict[str, Any], inbox: Inbox
) -> None:
    inbox.read()
    broken = io.BytesIO()
    with tarfile.open(fileobj=broken, mode="w:gz") as tar:
        member = tarfile.TarInfo("config.json")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"{}"))
    package = register(deployment, promoted["champion"], broken.getvalue())
    before = deployment.ask(SENTENCES)
    with Caller(deployment) as caller:
        execution = deployment.execute("PromoteStateMachine", {"model_package_arn": package})
    assert (execution["status"], execution["error"]) == ("FAILED", "PromoteFailed")
    assert deployment.stack_status("serving") == "UPDATE_ROLLBACK_COMPLETE"
    assert deployment.champion() == promoted["champion"]
    assert caller.failures == []
    assert caller.answers > 0
    assert deployment.ask(SENTENCES) == before
    described = deployment.package(package)
    assert described["ModelApprovalStatus"] == "Rejected"
    (message,) = inbox.read()
    assert message["Subject"] == "[nunchi dev] promotion failed"
    assert "did not pass the ping health check" in message["Message"]
    assert "did not pass the ping health check" in described["ApprovalDescription"]


def test_a_rejected_package_is_not_promoted(deployment: Deployment, promoted: dict[str, Any]) -> None:
    sagemaker = deployment.aws.client("sagemaker")
    (rejected, *_) = sagemaker.list_model_packages(
        ModelPackageGroupName=deployment.outputs()["ModelPackageGroup"], ModelApprovalStatus="Rejected"
    )["ModelPackageSummaryList"]
    execution = deployment.execute("PromoteStateMachine", {"model_package_arn": rejected["ModelPackageArn"]})
    assert "is Rejected, not Approved" in execution["cause"]
    assert deployment.champion() == promoted["champion"]


def test_promoting_the_champion_again_changes_nothing_and_succeeds(
    deployment: Deployment, promoted: dict[str, Any]
) -> None:
    execution = deployment.execute("PromoteStateMachine", {"model_package_arn": promoted["champion"]})
    assert execution["status"] == "SUCCEEDED"
    assert deployment.champion() == promoted["champion"]


def test_another_model_takes_over_under_load_without_a_missed_answer(
    deployment: Deployment, promoted: dict[str, Any], inbox: Inbox
) -> None:
    inbox.read()
    package = register(deployment, promoted["champion"])
    config = deployment.endpoint()["EndpointConfigName"]
    with ExitStack() as load:
        callers = [load.enter_context(Caller(deployment)) for _ in range(4)]
        execution = deployment.execute("PromoteStateMachine", {"model_package_arn": package})
    assert execution["status"] == "SUCCEEDED"
    assert deployment.champion() == package
    assert deployment.endpoint()["EndpointConfigName"] != config
    assert [failure for caller in callers for failure in caller.failures] == []
    assert all(caller.answers > 0 for caller in callers)
    (message,) = inbox.read()
    assert f"{package} now serves.\nIt took over from: {promoted['champion']}" in message["Message"]


def test_after_all_that_a_deploy_still_changes_nothing(
    deployment: Deployment, promoted: dict[str, Any]
) -> None:
    assert "Number of stacks with differences: 0" in deployment.diff()
    assert deployment.deploy().count("(no changes)") == len(deployment.stacks)


def test_destroying_everything_leaves_what_is_kept_on_purpose(deployment: Deployment) -> None:
    group = deployment.outputs()["ModelPackageGroup"]
    deployment.destroy()
    client = deployment.aws.client
    stacks = client("cloudformation").list_stacks()["StackSummaries"]
    assert not [
        s for s in stacks if s["StackName"] in deployment.stacks and s["StackStatus"] != "DELETE_COMPLETE"
    ]
    sagemaker = client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert client("sns").list_topics()["Topics"] == []
    parameters = [found["Name"] for found in client("ssm").describe_parameters()["Parameters"]]
    assert not [name for name in parameters if name.startswith("/nunchi/")]
    groups = [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]]
    # SageMaker made the jobs' groups, and they are every environment's.
    assert sorted(groups) == ["/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs"]
    roles = [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
    assert not [name for name in roles if name.startswith("nunchi-")]
    buckets = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    assert len([name for name in buckets if name.startswith("nunchi-")]) == 3
    kept = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert [found["ModelPackageGroupName"] for found in kept] == [group]
