"""One embedded AWS for all tests here, used as a client would: through boto3."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws import LocalAws
from tests.localaws.helpers import IDLE_SECONDS, REGION

BASE_MODEL = Path(__file__).resolve().parents[2] / "data/base_model"


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """Its Hub has one model, team/korean; its serverless instances do not stay for long."""
    hub = tmp_path_factory.mktemp("hub")
    shutil.copytree(BASE_MODEL, hub / "team/korean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALAWS_HUB", str(hub))
        patch.setenv("LOCALAWS_IDLE_SECONDS", str(IDLE_SECONDS))
        server = LocalAws.start()
    with server:
        yield server


@pytest.fixture(scope="session")
def bucket(aws: LocalAws) -> str:
    aws.client("s3").create_bucket(
        Bucket="localaws-tests", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return "localaws-tests"


@pytest.fixture
def name() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"
