"""One embedded AWS for all tests here, used as a client would: through boto3."""

import uuid
from collections.abc import Iterator

import pytest

from localaws import LocalAws
from tests.localaws.helpers import REGION


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with LocalAws.start() as server:
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
