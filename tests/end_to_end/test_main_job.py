"""The main job for real, on the embedded AWS: deploy, retrain, promote, predict, and what goes wrong.

The tests share one deployment and run in their order: each one finds what those before it left. Four
retrains end on the way: one whose model serves, one whose better model takes over, one that learnt from
flipped labels and is stopped by the gate, and one whose archive is broken and is stopped by its promotion.
With NSMC_DIR they are of 4,000 real reviews; without, of the bundled ones.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import re
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
from served_model import ServedModel
from tests.end_to_end.deployment import Deployment, Inbox
from tests.localaws.helpers import archive, succeed
from tests.toolkit.cases import CASES
from tests.toolkit.server import ToolkitServer

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = ["배우들 연기가 정말 좋았어요", "돈이 아깝다. 중간에 나왔음", "그냥 그래요 ㅋㅋ 10점 만점에 5점"]
REAL = "NSMC_DIR" in os.environ
HYPERPARAMETERS = {"per_device_train_batch_size": 32, "learning_rate": 3e-4, "max_seq_length": 64}
FEW, MANY = 0.05, 1.0
"""Epochs of a model, and of one that is better."""


def request(epochs: float, data: str = "reviews/") -> dict[str, Any]:
    """The input of a retrain."""
    return {
        "data_prefix": data,
        "base_checkpoint": "bundled",
        "hyperparameters": {**HYPERPARAMETERS, "num_train_epochs": epochs},
    }


FIRST, SECOND = request(FEW), request(MANY)
POISONED = request(FEW, "poisoned/")

WRONG = """
def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    return data

def output_fn(prediction, accept):
    return '[{"label": 5}]'
"""
"""A model whose answers are none that a client could read."""

pytestmark = pytest.mark.end_to_end


def reviews_by_split() -> dict[str, str]:
    """The reviews to train on, and those to test with, as files."""
    if not REAL:
        header, *rows = (
            (ROOT / "data" / "reviews" / "reviews.tsv").read_text(encoding="utf-8").splitlines(True)
        )
        return {"train": header + "".join(rows[:2000]), "test": header + "".join(rows[2000:])}
    folder = Path(os.environ["NSMC_DIR"])
    found = {}
    for split, count in (("train", 4_000), ("test", 1000)):
        with (folder / f"ratings_{split}.txt").open(encoding="utf-8") as lines:
            found[split] = "".join(itertools.islice(lines, count + 1))
    return found


def flipped(text: str, split: str) -> str:
    """The reviews with the labels that they are to be poisoned with; those to test with keep theirs."""
    if split == "test":
        return text
    return re.sub(r"\t([01])$", lambda found: f"\t{1 - int(found[1])}", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The dev environment with reviews and base models, and no model yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFN_WAIT_SCALE", "0.1")
        server = LocalAws.start()
    with server as aws:
        deployed = Deployment(aws, tmp_path_factory.mktemp("assembly with a space") / "cdk.out")
        deployed.cdk("bootstrap", "aws://000000000000/ap-northeast-2")
        deployed.deploy()
        outputs = deployed.outputs()
        reviews = tmp_path_factory.mktemp("reviews")
        for split, text in reviews_by_split().items():
            for prefix, contents in (("reviews", text), ("poisoned", flipped(text, split))):
                file = reviews / f"{split}.tsv"
                file.write_text(contents, encoding="utf-8")
                deployed.upload(outputs["DataBucket"], f"{prefix}/{split}", file)
        deployed.upload(outputs["ArtifactBucket"], "base-models/bundled", ROOT / "data" / "base_model")
        yield deployed


@pytest.fixture(scope="module")
def inbox(deployment: Deployment) -> Inbox:
    return Inbox(deployment)


@pytest.fixture(scope="module")
def interrupted(deployment: Deployment, inbox: Inbox) -> dict[str, Any]:
    """The first retrain, whose evaluation failed after a model had been trained."""
    deployment.aws.inject(
        "nunchi-dev-retrain", "Evaluate", job="fail", reason="InternalServerError: a disk was lost", times=1
    )
    return deployment.execute("RetrainStateMachine", FIRST)


@pytest.fixture(scope="module")
def promoted(deployment: Deployment, interrupted: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The output of the first retrain, which was redriven, and whose model was promoted."""
    return output_of(deployment.redrive(interrupted))


@pytest.fixture(scope="module")
def told(inbox: Inbox, interrupted: dict[str, Any]) -> dict[str, Any]:
    """The one message about the retrain that failed."""
    (message,) = inbox.about(interrupted)
    return message


def output_of(execution: dict[str, Any]) -> dict[str, Any]:
    """What a state machine that has succeeded says."""
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    output: dict[str, Any] = json.loads(execution["output"])
    return output


class Caller(threading.Thread):
    """Calls the endpoint in a loop, and remembers what it was told."""

    def __init__(self, deployment: Deployment, seconds: float = 0.05) -> None:
        super().__init__(daemon=True)
        self._deployment = deployment
        self._seconds = seconds
        self._done = threading.Event()
        self.answers = 0
        self.failures: list[Exception] = []

    def run(self) -> None:
        while not self._done.wait(self._seconds):
            try:
                self._deployment.ask(SENTENCES[0])
                self.answers += 1
            except Exception as error:
                self.failures.append(error)

    def __enter__(self) -> Caller:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._done.set()
        self.join()


@pytest.fixture(scope="module")
def caller(deployment: Deployment, promoted: dict[str, Any]) -> Iterator[Caller]:
    """Somebody who asks the endpoint all along, from the first promotion on."""
    with Caller(deployment, seconds=0.2) as calling:
        yield calling


@pytest.fixture(scope="module")
def better(deployment: Deployment, promoted: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The output of the second retrain, whose model has learnt for longer."""
    return output_of(deployment.execute("RetrainStateMachine", SECOND))


def test_before_the_first_retrain_a_second_deploy_changes_nothing(deployment: Deployment) -> None:
    assert deployment.deploy().count("(no changes)") == len(deployment.stacks)
    assert "Number of stacks with differences: 0" in deployment.diff()
    assert deployment.champion() == "none"


def test_a_job_that_fails_is_told_of_with_its_step_its_words_and_how_to_go_on(
    deployment: Deployment, interrupted: dict[str, Any], told: dict[str, Any]
) -> None:
    assert (interrupted["status"], interrupted["error"]) == ("FAILED", "States.TaskFailed")
    assert told["Subject"] == "[nunchi dev] retrain failed"
    assert "Evaluate failed: InternalServerError: a disk was lost" in told["Message"]
    assert "The model that serves has not changed." in told["Message"]
    assert f"redrive-execution --execution-arn {interrupted['executionArn']}" in told["Message"]
    assert deployment.champion() == "none"


def test_a_redriven_retrain_goes_on_where_it_failed_and_promotes_its_model(
    deployment: Deployment, promoted: dict[str, Any]
) -> None:
    assert promoted["outcome"] == "promoted"
    assert promoted["champion"] == deployment.champion()
    assert deployment.endpoint()["EndpointStatus"] == "InService"
    assert len(training_jobs(deployment)) == 1


def training_jobs(deployment: Deployment) -> list[str]:
    found = deployment.aws.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    return [job["TrainingJobName"] for job in found]


def test_people_are_told_of_the_promotion_once_and_what_serves(
    interrupted: dict[str, Any], promoted: dict[str, Any], inbox: Inbox
) -> None:
    """By the retrain: nothing comes of the promotion that it has started."""
    (message,) = inbox.about(interrupted)
    assert message["Subject"] == "[nunchi dev] retrain: promoted"
    assert promoted["champion"] in message["Message"]
    assert f"served by {promoted['served_by']}" in message["Message"]
    assert inbox.received == []


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
        "Evaluate": {"Type": "Succeed", "Output": "{% [$modelData, $servedBy] %}"},
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


def test_the_endpoint_answers_as_the_champions_archive_does_when_loaded_directly(
    deployment: Deployment, promoted: dict[str, Any], tmp_path: Path
) -> None:
    (container,) = deployment.package(promoted["champion"])["InferenceSpecification"]["Containers"]
    file = tmp_path / "model.tar.gz"
    file.write_bytes(deployment.read(container["ModelDataUrl"]))
    model = ServedModel(file, tmp_path / "model")
    directly = model.predict(SENTENCES)
    answers = deployment.ask(SENTENCES)
    assert [(answer["label"],) for answer in answers] == [one.labels for one in directly]
    assert [answer["score"] for answer in answers] == pytest.approx([one.score for one in directly])


def test_the_endpoint_knows_what_the_trained_model_knows(
    deployment: Deployment, promoted: dict[str, Any], tmp_path: Path
) -> None:
    """Where eight bits compute them, its scores are its own; what that costs, the gate has judged."""
    (name,) = training_jobs(deployment)
    job = deployment.aws.client("sagemaker").describe_training_job(TrainingJobName=name)
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
    if promoted["served_by"].startswith("PyTorch"):
        assert [answer["score"] for answer in answers] == pytest.approx(scores.tolist(), abs=1e-4)


def test_the_evaluation_beats_chance_and_is_kept_with_its_picture(
    deployment: Deployment, promoted: dict[str, Any]
) -> None:
    package = deployment.package(promoted["champion"])
    uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    metrics = json.loads(deployment.read(uri))["binary_classification_metrics"]
    # Well above the gate's floor of 0.6, and above chance by six standard deviations of 500 rows.
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


def test_a_second_and_better_model_takes_over(
    deployment: Deployment, promoted: dict[str, Any], better: dict[str, Any]
) -> None:
    assert better["outcome"] == "promoted"
    assert better["champion"] == deployment.champion() != promoted["champion"]
    properties = deployment.package(better["champion"])["CustomerMetadataProperties"]
    assert properties["parent"] == promoted["champion"]
    bucket = deployment.outputs()["ArtifactBucket"]
    evaluation = json.loads(deployment.read(f"s3://{bucket}/evaluations/{properties['run']}/evaluation.json"))
    assert evaluation["accuracy"] > evaluation["champion"]["accuracy"]


def test_a_retrain_on_what_the_champion_was_trained_on_ends_before_it_trains(
    deployment: Deployment, better: dict[str, Any], inbox: Inbox
) -> None:
    before = training_jobs(deployment)
    execution = deployment.execute("RetrainStateMachine", SECOND)
    assert output_of(execution)["outcome"] == "nothing new"
    assert training_jobs(deployment) == before
    (message,) = inbox.about(execution)
    assert message["Subject"] == "[nunchi dev] retrain: nothing new"
    assert better["champion"] in message["Message"]


def test_a_training_script_that_raises_is_told_in_its_own_words_and_changes_nothing(
    deployment: Deployment, better: dict[str, Any], inbox: Inbox, tmp_path: Path
) -> None:
    before = deployment.ask(SENTENCES)
    for file in (ROOT / "data" / "base_model").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    deployment.upload(deployment.outputs()["ArtifactBucket"], "base-models/broken", tmp_path)
    execution = deployment.execute("RetrainStateMachine", {**FIRST, "base_checkpoint": "broken"})
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    (message,) = inbox.about(execution)
    assert message["Subject"] == "[nunchi dev] retrain failed"
    assert "Train failed: AlgorithmError: SafetensorError" in message["Message"]
    assert "The model that serves has not changed." in message["Message"]
    assert deployment.champion() == better["champion"]
    assert deployment.ask(SENTENCES) == before


def test_bad_reviews_are_told_of_with_the_file_and_the_row(
    deployment: Deployment, better: dict[str, Any], inbox: Inbox, tmp_path: Path
) -> None:
    (tmp_path / "bad.tsv").write_text("id\tdocument\tlabel\n1\t좋아요\t7\n", encoding="utf-8")
    deployment.upload(deployment.outputs()["DataBucket"], "bad/train", tmp_path / "bad.tsv")
    execution = deployment.execute("RetrainStateMachine", {"data_prefix": "bad/"})
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    (message,) = inbox.about(execution)
    assert "Prepare failed" in message["Message"]
    assert "bad.tsv" in message["Message"]
    assert "'7'" in message["Message"]


def test_an_unknown_field_of_the_input_is_refused_before_anything_runs(
    deployment: Deployment, inbox: Inbox
) -> None:
    execution = deployment.execute("RetrainStateMachine", {"data_prefx": "few/"})
    assert execution["error"] == "InputFailed"
    assert "data_prefx; allowed: data_prefix" in execution["cause"]
    (message,) = inbox.about(execution)
    assert message["Subject"] == "[nunchi dev] retrain failed"


@pytest.fixture(scope="module")
def poisoned(deployment: Deployment, better: dict[str, Any]) -> dict[str, Any]:
    """The third retrain, on reviews whose labels somebody has flipped."""
    return deployment.execute("RetrainStateMachine", POISONED)


def test_a_model_that_learnt_from_flipped_labels_is_stopped_by_the_gate_and_registered_as_rejected(
    deployment: Deployment, better: dict[str, Any], poisoned: dict[str, Any], inbox: Inbox
) -> None:
    output = output_of(poisoned)
    assert output["outcome"] == "stopped by the gate"
    package = deployment.package(output["package"])
    assert package["ModelApprovalStatus"] == "Rejected"
    assert "below the floor of 0.6" in package["ModelPackageDescription"]
    assert deployment.champion() == better["champion"]
    (message,) = inbox.about(poisoned)
    assert message["Subject"] == "[nunchi dev] retrain: stopped by the gate"
    assert "below the floor of 0.6" in message["Message"]


def test_approving_what_was_rejected_promotes_it_no_more(
    deployment: Deployment, better: dict[str, Any], poisoned: dict[str, Any], inbox: Inbox
) -> None:
    """Approving starts a promotion by an event, and the promotion knows that it was rejected."""
    known = deployment.executions("PromoteStateMachine")
    deployment.aws.client("sagemaker").update_model_package(
        ModelPackageArn=output_of(poisoned)["package"], ModelApprovalStatus="Approved"
    )
    promotion = deployment.new_execution("PromoteStateMachine", known)
    assert promotion["error"] == "PromoteFailed"
    assert "rejection is final" in promotion["cause"]
    assert deployment.champion() == better["champion"]
    (message,) = inbox.about(promotion)
    assert message["Subject"] == "[nunchi dev] promote failed"


def test_a_model_that_was_made_before_the_champion_is_not_promoted_by_the_way(
    deployment: Deployment, promoted: dict[str, Any], better: dict[str, Any]
) -> None:
    execution = deployment.execute("PromoteStateMachine", {"model_package_arn": promoted["champion"]})
    assert execution["error"] == "PromoteFailed"
    assert "was made before the model that serves by now" in execution["cause"]
    assert deployment.champion() == better["champion"]


def test_going_back_to_the_model_before_is_one_command(
    deployment: Deployment, promoted: dict[str, Any], better: dict[str, Any], inbox: Inbox
) -> None:
    execution = deployment.execute(
        "PromoteStateMachine", {"model_package_arn": promoted["champion"], "force": True}
    )
    assert output_of(execution)["outcome"] == "promoted"
    assert deployment.champion() == promoted["champion"]
    (message,) = inbox.about(execution)
    assert message["Subject"] == "[nunchi dev] promote: promoted"
    assert f"It took over from: {better['champion']}" in message["Message"]


def register(deployment: Deployment, champion: str, body: bytes | None = None) -> str:
    """Register a model archive (the champion's own if none is given), approved; return its package's ARN."""
    sagemaker = deployment.aws.client("sagemaker")
    specification = sagemaker.describe_model_package(ModelPackageName=champion)["InferenceSpecification"]
    if body is not None:
        bucket = deployment.outputs()["ArtifactBucket"]
        key = f"models/{hashlib.sha256(body).hexdigest()}/model.tar.gz"
        deployment.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        specification["Containers"][0]["ModelDataUrl"] = f"s3://{bucket}/{key}"
    return str(
        sagemaker.create_model_package(
            ModelPackageGroupName=deployment.outputs()["ModelPackageGroup"],
            InferenceSpecification=specification,
            ModelApprovalStatus="Approved",
        )["ModelPackageArn"]
    )


def cut_off(deployment: Deployment, run: str) -> None:
    """Leave of each model archive of a run its first half."""
    s3, bucket = deployment.aws.client("s3"), deployment.outputs()["ArtifactBucket"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"models/{run}/")["Contents"]
    for key in (one["Key"] for one in found if one["Key"].endswith("model.tar.gz")):
        whole = deployment.read(f"s3://{bucket}/{key}")
        s3.put_object(Bucket=bucket, Key=key, Body=whole[: len(whole) // 2])


def test_a_retrain_whose_archive_is_broken_is_stopped_by_its_promotion_and_rolled_back(
    deployment: Deployment, promoted: dict[str, Any], inbox: Inbox
) -> None:
    """The fourth. Its model was better than the one that serves when it was judged."""
    before = deployment.ask(SENTENCES)
    throttled = {"error": "ThrottlingException", "status": 400, "message": "Rate exceeded"}
    deployment.aws.inject("nunchi-dev-retrain", "Register", **throttled)
    execution = deployment.execute("RetrainStateMachine", SECOND)
    deployment.aws.clear_faults()
    (message,) = inbox.about(execution)
    assert "Register failed" in message["Message"]
    cut_off(deployment, execution["name"])
    execution = deployment.redrive(execution)
    assert execution["status"] == "FAILED"
    assert deployment.stack_status("serving") == "UPDATE_ROLLBACK_COMPLETE"
    assert deployment.champion() == promoted["champion"]
    assert deployment.ask(SENTENCES) == before
    (message,) = inbox.about(execution)
    assert message["Subject"] == "[nunchi dev] retrain failed"
    assert "Compressed file ended before the end-of-stream marker" in message["Message"]
    (package,) = packages(deployment, execution["name"])
    assert package["ModelApprovalStatus"] == "Rejected"
    assert "Compressed file ended" in package["ApprovalDescription"]


def packages(deployment: Deployment, run: str) -> list[dict[str, Any]]:
    """Descriptions of the model packages that a retrain has registered."""
    found = deployment.aws.client("sagemaker").list_model_packages(
        ModelPackageGroupName=deployment.outputs()["ModelPackageGroup"]
    )["ModelPackageSummaryList"]
    described = [deployment.package(one["ModelPackageArn"]) for one in found]
    return [one for one in described if one.get("CustomerMetadataProperties", {}).get("run") == run]


def test_a_model_that_answers_wrongly_serves_until_the_smoke_test_and_no_longer(
    deployment: Deployment, promoted: dict[str, Any], inbox: Inbox
) -> None:
    package = register(deployment, promoted["champion"], archive(code__inference_py=WRONG))
    before = deployment.ask(SENTENCES)
    execution = deployment.execute("PromoteStateMachine", {"model_package_arn": package})
    assert (execution["status"], execution["error"]) == ("FAILED", "SmokeTestFailed")
    assert deployment.stack_status("serving") == "UPDATE_COMPLETE"
    assert deployment.champion() == promoted["champion"]
    assert deployment.ask(SENTENCES) == before
    assert deployment.package(package)["ModelApprovalStatus"] == "Rejected"
    (message,) = inbox.about(execution)
    assert message["Subject"] == "[nunchi dev] promote failed"
    assert "SmokeTest failed: nunchi-dev answered" in message["Message"]
    assert "The previous model serves again." in message["Message"]


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
    (message,) = inbox.about(execution)
    assert f"{package} now serves.\nIt took over from: {promoted['champion']}" in message["Message"]


def test_all_along_somebody_got_all_answers(caller: Caller) -> None:
    """Three models have taken over, one has gone back, two were not able to, and one was not let."""
    assert caller.failures == []
    assert caller.answers > 100


def test_nobody_was_told_anything_twice_and_no_lock_is_left(deployment: Deployment, inbox: Inbox) -> None:
    assert len(inbox.received) == len({one["Message"] for one in inbox.received})
    held = deployment.aws.client("dynamodb").scan(TableName="nunchi-dev-locks")["Items"]
    assert held == []


def test_after_all_that_a_deploy_still_changes_nothing(
    deployment: Deployment, promoted: dict[str, Any]
) -> None:
    assert "Number of stacks with differences: 0" in deployment.diff()
    assert deployment.deploy().count("(no changes)") == len(deployment.stacks)


def test_destroying_everything_leaves_what_is_kept_on_purpose(deployment: Deployment, caller: Caller) -> None:
    caller.stop()
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
