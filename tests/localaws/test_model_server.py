"""The model server's own rules, which are the Hugging Face toolkit's."""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from localaws.children import Child
from localaws.serving import SERVER

# Answers with what the handlers were given; what it is to do beside that, the request's headers say.
PROBE = """
import json
def model_fn(model_dir, context):
    return context.system_properties["model_dir"] == model_dir
def input_fn(body, content_type):
    return {"body": body if isinstance(body, str) else repr(body), "content_type": content_type}
def predict_fn(data, model):
    return data | {"model": model}
def output_fn(prediction, accept, context):
    wanted = context.get_all_request_header(0)
    if "X-Raise" in wanted:
        raise ValueError(wanted["X-Raise"])
    if "X-Status" in wanted:
        context.set_response_status(code=int(wanted["X-Status"]))
    if "X-Kind" in wanted:
        context.set_response_header(0, "Content-Type", wanted["X-Kind"])
    if "X-Object" in wanted:
        return {"a": ["b"]}
    prediction |= {"accept": accept, "header": context.get_request_header(0, "Accept")}
    return json.dumps(prediction, ensure_ascii=False)
"""


class Server:
    """A model server around these handlers."""

    def __init__(self, folder: Path, handlers: str, **environment: str) -> None:
        (folder / "model" / "code").mkdir(parents=True)
        (folder / "model" / "code" / "inference.py").write_text(handlers, encoding="utf-8")
        self.child = Child(
            [sys.executable, str(SERVER), str(folder / "model"), str(folder / "address")],
            env={"PATH": os.environ["PATH"], **environment},
        )
        self.address = folder / "address"

    def ask(self, body: bytes, path: str = "/invocations", **headers: str) -> tuple[int, str, bytes]:
        """Status, content type and body of the answer."""
        connection = http.client.HTTPConnection(self.address.read_text(), timeout=10)
        try:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", path, body, names)
            response = connection.getresponse()
            return response.status, response.headers.get("Content-Type", ""), response.read()
        finally:
            connection.close()

    def given(self, body: bytes, **headers: str) -> Any:
        """What the handlers were given."""
        return json.loads(self.ask(body, **headers)[2])

    def wait(self) -> None:
        """Wait until the model is loaded."""
        deadline = time.monotonic() + 20
        while not self.address.exists() or self.ask(b"")[0] == 503:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"), PROBE, SAGEMAKER_MAX_PAYLOAD_IN_MB="1")
    server.wait()
    yield server
    server.child.stop()


@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_two_content_types_arrive_as_text(server: Server, kind: str) -> None:
    assert server.given("좋다".encode(), Content_Type=kind)["body"] == "좋다"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/jsonlines", "text/plain"])
def test_every_other_arrives_as_bytes(server: Server, kind: str) -> None:
    assert server.given(b"abc", Content_Type=kind) | {"accept": "", "header": ""} == {
        "body": "b'abc'",
        "content_type": kind,
        "model": True,
        "accept": "",
        "header": "",
    }


def test_without_a_content_type_the_handlers_get_none(server: Server) -> None:
    assert server.given(b"abc")["content_type"] is None


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=a"])
def test_of_a_form_no_body_arrives(server: Server, kind: str) -> None:
    assert server.given(b"a=b", Content_Type=kind)["body"] == "None"


@pytest.mark.parametrize("accept", [None, "", "*/*"])
def test_json_is_accepted_where_the_client_leaves_it_open(server: Server, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    assert server.given(b"", **headers)["accept"] == "application/json"
    assert server.given(b"", **headers)["header"] == accept


def test_the_answers_content_type_is_accept_whatever_it_says(server: Server) -> None:
    assert server.ask(b"", Accept="text/csv, a/b;q=0.5")[:2] == (200, "text/csv, a/b;q=0.5")


def test_a_handler_can_set_the_content_type(server: Server) -> None:
    assert server.ask(b"", Accept="text/csv", X_Kind="application/jsonlines")[1] == "application/jsonlines"


def test_a_handler_can_set_the_status(server: Server) -> None:
    assert server.ask(b"", X_Status="413")[0] == 413
    assert server.ask(b"")[0] == 200


def test_what_a_handler_raises_is_a_400(server: Server) -> None:
    status, kind, body = server.ask(b"", Accept="text/csv", X_Raise="out of order")
    assert (status, kind) == (400, "application/json")
    assert json.loads(body) == {"code": 400, "type": "InternalServerException", "message": "out of order"}


def test_a_body_that_is_not_utf_8_is_a_400_before_the_handlers(server: Server) -> None:
    status, _, body = server.ask(b"\xff", Content_Type="application/json")
    assert (status, json.loads(body)["code"]) == (400, 400)


def test_an_answer_that_is_no_text_is_written_as_json(server: Server) -> None:
    assert json.loads(server.ask(b"", X_Object="yes")[2]) == {"a": ["b"]}


def test_a_request_over_the_limit_is_refused(server: Server) -> None:
    assert server.ask(bytes(2**20))[0] == 200
    assert server.ask(bytes(2**20 + 1))[0] == 413


def test_another_path_is_not_found(server: Server) -> None:
    assert server.ask(b"", "/predictions")[0] == 404


def test_requests_at_the_same_time_have_contexts_of_their_own(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = [413, 200, 500, 404] * 20
        found = pool.map(lambda status: server.ask(b"", X_Status=str(status))[0], statuses)
        assert list(found) == statuses


@pytest.mark.parametrize(
    ("handlers", "message"),
    [
        (PROBE.replace("(data, model)", "(data)"), "predict_fn takes 1 arguments; it must be 2 or 3"),
        (PROBE.replace("def input_fn", "def other_fn"), "code/inference.py has no input_fn"),
        (PROBE + "def transform_fn(): pass", "has a transform_fn"),
    ],
)
def test_handlers_that_the_toolkit_would_not_call_do_not_start(
    tmp_path: Path, handlers: str, message: str
) -> None:
    server = Server(tmp_path, handlers)
    with os.fdopen(server.child.output, encoding="utf-8", closefd=False) as output:
        assert message in output.read()
    assert server.child.wait(10) != 0
