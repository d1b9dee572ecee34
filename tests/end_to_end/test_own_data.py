"""`docs/bring-your-own-data.md`, walked on the embedded AWS: from its CSV to an endpoint with its labels."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
import yaml

from localaws import LocalAws
from tests.docs.own_data import reviews_csv
from tests.docs.test_bring_your_own_data import block
from tests.end_to_end.deployment import ROOT, Deployment, copy_application

pytestmark = pytest.mark.end_to_end

HYPERPARAMETERS = {"num_train_epochs": 4, "per_device_train_batch_size": 32, "learning_rate": 3e-4}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Dev with the page's settings, and the model that a retrain made of a file in the page's form."""
    folder = tmp_path_factory.mktemp("application")
    copy_application(folder)
    config = folder / "config" / "dev.yaml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    shown = yaml.safe_load(block("yaml", "label_column: 평가"))
    config.write_text(yaml.safe_dump(settings | shown, allow_unicode=True), encoding="utf-8")
    reviews = folder / "reviews.csv"
    reviews.write_text(reviews_csv(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFN_WAIT_SCALE", "0.1")
        server = LocalAws.start()
    with server as aws:
        deployed = Deployment(aws, folder / "cdk.out", app=folder)
        deployed.cdk("bootstrap", "aws://000000000000/ap-northeast-2")
        deployed.deploy()
        outputs = deployed.outputs()
        deployed.upload(outputs["DataBucket"], "reviews/train", reviews)
        deployed.upload(outputs["ArtifactBucket"], "base-models/bundled", ROOT / "data" / "base_model")
        ended = deployed.execute(
            "RetrainStateMachine", {"base_checkpoint": "bundled", "hyperparameters": HYPERPARAMETERS}
        )
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        yield deployed


def test_the_retrain_promotes_a_model(deployment: Deployment) -> None:
    assert deployment.champion().startswith("arn:aws:sagemaker:")


def test_the_endpoint_answers_the_pages_rows_with_the_labels_that_stand_in_them(
    deployment: Deployment,
) -> None:
    rows = list(csv.DictReader(block("csv", "평가").splitlines()))
    answers = deployment.ask([row["리뷰"] for row in rows])
    assert [answer["label"] for answer in answers] == [row["평가"] for row in rows]
