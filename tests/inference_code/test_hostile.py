"""Whatever comes in: an answer, or a 4xx that says what to change; and the next request is answered right."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from classifier import Classifier
from inference import input_fn, output_fn, predict_fn
from reading import CSV, JSON, JSON_LINES, PLAIN
from tests.inference_code.conftest import LABELS, Context

KINDS = (JSON, JSON_LINES, CSV, PLAIN)
GOOD = '{"inputs": ["영화 정말 좋았어요", "음악"]}'

# The same examples on every machine: a test that fails now and then tells nobody anything.
quick = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

texts = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["영화", "👨‍👩‍👧", "\u1112\u1161", "\ud83d", "\x00", "ㅋ" * 3000]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
names = (
    st.sampled_from(["inputs", "parameters", "text", "text_pair", "top_k", "threshold", "max_length"]) | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
parameters = st.fixed_dictionaries(
    {},
    optional={
        "top_k": scalars,
        "threshold": scalars,
        "truncation": scalars,
        "max_length": scalars | st.integers(1, 70),
    },
)
requests = st.fixed_dictionaries({"inputs": values}, optional={"parameters": parameters | values})


def ask(model: Classifier, body: bytes, kind: str, accept: str | None = None) -> tuple[Context, str]:
    context = Context(**({} if accept is None else {"Accept": accept}))
    # The toolkit decodes these two, and these only.
    try:
        given: Any = body.decode() if kind in (JSON, CSV) else bytearray(body)
    except UnicodeDecodeError:
        given = bytearray(body)
    return context, output_fn(predict_fn(input_fn(given, kind), model), accept or JSON, context)


def check(context: Context, written: str) -> None:
    """The answer's form; that of an error, if it is one."""
    written.encode()  # or the server's worker dies
    assert context.status == 200 or 400 <= context.status < 500, written
    if context.status != 200:
        error = json.loads(written)["error"]
        assert error.keys() == {"code", "message", "where"}
        assert all(isinstance(value, str) and value for value in error.values())


@pytest.fixture(autouse=True)
def still_answers(classifier: Classifier) -> Iterator[None]:
    before = ask(classifier, GOOD.encode(), JSON)[1]
    yield
    context, after = ask(classifier, GOOD.encode(), JSON)
    assert context.status == 200
    assert after == before


@quick
@given(body=st.binary(max_size=200), kind=st.sampled_from(KINDS))
def test_any_bytes(classifier: Classifier, body: bytes, kind: str) -> None:
    check(*ask(classifier, body, kind))


@quick
@given(body=values | requests, kind=st.sampled_from(KINDS))
def test_any_json(classifier: Classifier, body: object, kind: str) -> None:
    check(*ask(classifier, json.dumps(body).encode(), kind))


@quick
@given(data=st.data())
def test_a_good_request_with_some_bytes_changed(classifier: Classifier, data: st.DataObject) -> None:
    body = bytearray(
        '{"inputs": [{"text": "영화", "text_pair": "음악"}], "parameters": {"top_k": 2}}'.encode()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(*ask(classifier, bytes(body), JSON))


@quick
@given(accept=st.text(max_size=40), kind=st.text(max_size=40))
@example(accept="*/*;q=nan", kind="application/json; charset")
@example(accept="application/json;q=1e309, text/csv;q=-1", kind="application/json;=;;")
def test_any_headers(classifier: Classifier, accept: str, kind: str) -> None:
    check(*ask(classifier, GOOD.encode(), kind, accept))
    check(*ask(classifier, GOOD.encode(), JSON, accept))


@quick
@given(
    lines=st.lists(
        st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")) | st.just(b'"a"'), min_size=1
    ),
    kind=st.sampled_from([JSON_LINES, CSV, PLAIN]),
)
def test_one_line_out_for_each_line_in(classifier: Classifier, lines: list[bytes], kind: str) -> None:
    context, written = ask(classifier, b"\n".join(lines) + b"\n", kind, JSON_LINES)
    if context.status == 400:
        assert lines[0].startswith((b"\xff\xfe", b"\xfe\xff"))
        return
    answers = [json.loads(line) for line in written.removesuffix("\n").split("\n")]
    assert len(answers) == len(lines)
    for number, answer in enumerate(answers, 1):
        if "error" in answer:
            assert answer["error"]["where"].startswith(f"line {number}")
        elif not isinstance(answer, list):
            assert answer["label"] in LABELS
