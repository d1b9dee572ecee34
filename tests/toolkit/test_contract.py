"""The same answers from the toolkit's server, from the embedded AWS's, and from the handlers themselves."""

import json
import os
import sys
import tarfile
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path

import pytest

import inference
from localaws import model_server
from localaws.children import Child
from tests.localaws.helpers import wait
from tests.toolkit.asking import GOOD, Answer, Ask, ask
from tests.toolkit.asking import JSON as JSON_HEADER
from tests.toolkit.cases import CASES, CSV, JSON, JSON_LINES, Case
from tests.toolkit.server import ToolkitServer

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def folder(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extracted archive."""
    folder = tmp_path_factory.mktemp("served") / "model"
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def local(folder: Path) -> Iterator[Ask]:
    """The archive behind the embedded AWS's model server."""
    address = folder.with_name("address")
    child = Child(
        [sys.executable, model_server.__file__, str(folder), str(address)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        output=None,
    )
    wait(address.exists)
    port = int(address.read_text().rpartition(":")[2])
    wait(lambda: ask(port, *GOOD).status == 200)
    yield lambda body, headers: ask(port, body, headers)
    child.kill()
    child.wait()


@pytest.fixture(scope="module")
def handlers(folder: Path) -> Ask:
    """The archive's handlers, called as the toolkit calls them."""
    model = inference.model_fn(str(folder))

    def answer(body: bytes, headers: Mapping[str, str]) -> Answer:
        message = Message()
        for name, value in headers.items():
            message[name] = value
        context, kind = model_server.Context(folder, message), headers.get("Content-Type")
        data = inference.input_fn(body.decode() if kind in (JSON, CSV) else body, kind)
        written = inference.output_fn(inference.predict_fn(data, model), headers.get("Accept", JSON), context)
        return Answer(context.status, context.answer["Content-Type"], written.encode())

    return answer


@each_case
def test_the_toolkit_answers_as_the_handlers_do(toolkit: ToolkitServer, handlers: Ask, case: Case) -> None:
    answer = toolkit.ask(case.body, case.headers)
    assert answer.status == case.status
    if case.error == "":
        assert json.loads(answer.body)["type"] == "InternalServerException"
        return
    if case.error:
        assert json.loads(answer.body)["error"]["code"] == case.error
    assert answer == handlers(case.body, case.headers)


@each_case
def test_the_embedded_aws_answers_as_the_toolkit_does(toolkit: ToolkitServer, local: Ask, case: Case) -> None:
    expected, answer = toolkit.ask(case.body, case.headers), local(case.body, case.headers)
    if case.error == "":
        # The same words, laid out otherwise.
        assert (answer.status, json.loads(answer.body)) == (expected.status, json.loads(expected.body))
    else:
        assert answer == expected


@pytest.mark.parametrize(
    ("short", "before", "after"),
    [
        ({}, {}, "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ({}, {"Accept": CSV}, "application/json, text/plain, */*"),
        ({"parameters": {"threshold": 1}}, {"Accept": CSV}, JSON_LINES),
        ({}, {}, f"{JSON}{';q=1' * 1000}"),
    ],
    ids=["a browser's", "axios'", "another", "a long one"],
)
def test_another_accept_after_many_short_answers_is_answered(
    toolkit: ToolkitServer, short: dict[str, object], before: dict[str, str], after: str
) -> None:
    # The server's buffer gets as small as the answers are; longer headers are then a broken worker's to it.
    body, worker = json.dumps({"inputs": "영화"} | short).encode(), toolkit.worker()
    for _ in range(60):
        assert toolkit.ask(body, JSON_HEADER | before).status == 200
    assert toolkit.ask(body, JSON_HEADER | {"Accept": after}).status == 200
    assert toolkit.worker() == worker
