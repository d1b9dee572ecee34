import json
import logging
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import inference
from classifier import Classifier
from inference import input_fn, model_fn, output_fn, predict_fn
from reading import CSV, JSON, JSON_LINES, PLAIN
from refusals import RequestError
from tests.inference_code.conftest import Context
from texts import MOST_TEXTS
from writing import Answers, Label

MANY = ["영화 정말 좋았어요", "음악", "이야기 지루해요 시간이 아까워요 실망이에요 0점", "배우 최고예요 ㅋㅋ"]


def answer(model: Classifier, body: Any, kind: str = JSON, accept: str = JSON) -> Any:
    """The parsed answer to a body, which is written as JSON if it is no text."""
    written = body if isinstance(body, str | bytes) else json.dumps(body)
    return json.loads(output_fn(predict_fn(input_fn(written, kind), model), accept))


def refusal(model: Classifier, body: str, kind: str = JSON) -> RequestError:
    with pytest.raises(RequestError) as error:
        output_fn(predict_fn(input_fn(body, kind), model), JSON)
    return error.value


def test_each_text_gets_the_answer_it_gets_alone_in_order(classifier: Classifier) -> None:
    together = answer(classifier, {"inputs": MANY * 12})
    alone = {text: answer(classifier, {"inputs": text})[0] for text in MANY}
    for text, found in zip(MANY * 12, together, strict=True):
        assert found == {
            "label": alone[text]["label"],
            "score": pytest.approx(alone[text]["score"], abs=1e-5),
        }


def test_top_k_gives_the_likeliest_labels(classifier: Classifier) -> None:
    labels = answer(classifier, {"inputs": "영화", "parameters": {"top_k": None}})
    assert labels[0]["score"] >= labels[1]["score"]
    assert sum(item["score"] for item in labels) == pytest.approx(1)
    assert answer(classifier, {"inputs": "영화", "parameters": {"top_k": 1}}) == labels[:1]
    assert answer(classifier, {"inputs": ["영화"], "parameters": {"top_k": 9}}) == [labels]


def test_threshold_leaves_out_the_labels_below_it(classifier: Classifier) -> None:
    likely, unlikely = answer(classifier, {"inputs": "영화", "parameters": {"top_k": 2}})
    for threshold, left in [(0, [likely, unlikely]), (likely["score"], [likely]), (1, [])]:
        assert answer(classifier, {"inputs": ["영화"], "parameters": {"threshold": threshold}}) == [left]


def test_a_text_is_scored_as_it_was_normalised_for_training(classifier: Classifier) -> None:
    plain, dressed = answer(classifier, {"inputs": ["음악 최고예요", "  음악\u200b \n 최고예요 "]})
    assert plain == dressed


def test_every_kind_of_request_has_the_same_answers(classifier: Classifier) -> None:
    expected = answer(classifier, {"inputs": MANY})
    lines = {
        JSON_LINES: "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in MANY),
        CSV: "\n".join(f'"{text}"' for text in MANY),
        PLAIN: "\n".join(MANY),
    }
    for kind, body in lines.items():
        assert answer(classifier, body, kind) == expected


def test_the_answer_to_lines_is_lines(classifier: Classifier) -> None:
    written = output_fn(predict_fn(input_fn("영화\n음악\n", PLAIN), classifier), "*/*")
    assert [json.loads(line) for line in written.splitlines()] == answer(
        classifier, {"inputs": ["영화", "음악"]}
    )


# Errors


def test_a_bad_line_is_answered_by_an_error_in_its_place(classifier: Classifier) -> None:
    body = '"영화"\n{\n{"text": "음악", "parameters": {"max_length": 999}}\n"음악"\n'
    first, second, third, fourth = answer(classifier, body, JSON_LINES)
    assert [first, fourth] == answer(classifier, {"inputs": ["영화", "음악"]})
    assert (second["error"]["code"], second["error"]["where"]) == ("malformed_json", "line 2")
    assert (third["error"]["code"], third["error"]["where"]) == ("wrong_parameter", "line 3")


@pytest.mark.parametrize(
    ("body", "where"),
    [("영화\n\n음악\n\n", "line 2"), ("영화\n" + "\u3164" + "\n", "line 2")],
)
def test_a_bad_line_fails_the_request_if_it_is_to(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, body: str, where: str
) -> None:
    monkeypatch.setenv("BAD_LINES", "fail")
    error = refusal(classifier, body, PLAIN)
    assert (error.status, error.code, error.where) == (400, "empty_text", where)


def test_a_line_that_the_model_refuses_fails_the_request_too(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD_LINES", "fail")
    body = '"영화"\n{"text": "음악", "parameters": {"max_length": 999}}\n'
    assert refusal(classifier, body, JSON_LINES).where == "line 2"


def test_another_rule_for_bad_lines_does_not_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAD_LINES", "ignore")
    with pytest.raises(ValueError, match="BAD_LINES is 'ignore'; set it to report or fail"):
        model_fn(str(folder))


def test_one_bad_text_fails_a_request_in_json(classifier: Classifier) -> None:
    body = json.dumps({"inputs": ["영화 " * 100], "parameters": {"truncation": False}})
    error = refusal(classifier, body)
    assert (error.code, error.where) == ("text_too_long", "inputs[0]")


def test_there_is_a_most_of_texts(classifier: Classifier) -> None:
    body = json.dumps({"inputs": ["가"] * (MOST_TEXTS + 1)})
    assert refusal(classifier, body).code == "too_many_texts"


def test_a_batch_transforms_payload_is_limited_by_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_BATCH", "true")
    request = input_fn("가\n" * (MOST_TEXTS + 1), PLAIN)
    assert not isinstance(request, RequestError)
    assert len(request.texts) == MOST_TEXTS + 1


def test_what_takes_longer_than_a_server_has_is_refused(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "_SECONDS", 0)
    request = input_fn('{"inputs": "영화"}', JSON)
    error = predict_fn(request, classifier, Context())
    assert isinstance(error, RequestError)
    assert (error.status, error.code) == (413, "too_much_work")
    assert "send fewer of them" in error.message
    assert not isinstance(predict_fn(request, classifier), RequestError)  # asked by a job
    monkeypatch.setenv("SAGEMAKER_BATCH", "true")
    assert not isinstance(predict_fn(request, classifier, Context()), RequestError)


def test_what_fails_in_the_handlers_is_ours_and_in_the_log(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(classifier.runtime, "logits", fail)
    error = refusal(classifier, '{"inputs": "영화"}')
    assert error.status == 500
    assert "out of order" not in str(error)
    assert "RuntimeError: out of order" in caplog.text


def test_a_request_that_cannot_be_read_for_a_fault_of_ours_is_no_clients(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "read", None)
    assert refusal(classifier, '{"inputs": "영화"}').status == 500


def test_an_error_without_a_context_is_raised_as_its_json(classifier: Classifier) -> None:
    error = refusal(classifier, '{"inputs": 3}')
    assert json.loads(str(error)) == error.as_json()
    assert error.as_json()["error"].keys() == {"code", "message", "where"}


# The toolkit's context


def test_an_error_sets_the_status_and_is_json(classifier: Classifier) -> None:
    context = Context(Accept=CSV)
    written = output_fn(predict_fn(input_fn('{"inputs": []}', JSON), classifier), CSV, context)
    assert json.loads(written)["error"]["code"] == "no_texts"
    assert (context.status, context.sent) == (400, {"Content-Type": JSON})


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, JSON_LINES),
        ({"Accept": "*/*"}, JSON_LINES),
        ({"accept": "text/html, text/csv;q=0.9"}, CSV),
        ({"Accept": JSON}, JSON),
    ],
)
def test_the_answer_is_what_the_client_itself_accepts(
    classifier: Classifier, headers: dict[str, str], kind: str
) -> None:
    """The toolkit gives the handlers application/json where the client left it open."""
    context = Context(**headers)
    output_fn(predict_fn(input_fn("영화", PLAIN), classifier), headers.get("Accept", JSON), context)
    assert (context.status, context.sent) == (200, {"Content-Type": kind})


def test_a_score_that_is_no_number_is_our_fault(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    prediction = predict_fn(input_fn('{"inputs": "영화"}', JSON), classifier)
    assert not isinstance(prediction, RequestError)
    prediction.answers[0] = {"label": "긍정", "score": float("nan")}
    context = Context()
    assert json.loads(output_fn(prediction, JSON, context))["error"]["code"] == "internal_error"
    assert context.status == 500


@pytest.mark.parametrize("accept", ["café", "text/html, */*;q=0.8", "*/*;q=1" * 1000])
def test_what_the_client_accepts_is_not_the_answers_header(classifier: Classifier, accept: str) -> None:
    """The server cannot read some of them, and its worker dies."""
    prediction = predict_fn(input_fn('{"inputs": "영화"}', JSON), classifier)
    context = Context(Accept=accept)
    output_fn(prediction, accept, context)
    context.set_response_content_type(0, accept)  # as the toolkit does
    assert context.sent == {"Content-Type": JSON}


def test_a_forms_field_is_not_taken_for_the_header_of_its_name(classifier: Classifier) -> None:
    prediction = predict_fn(input_fn('{"inputs": "영화"}', JSON), classifier)
    context = Context(ACCEPT={"content-type": ""})
    output_fn(prediction, JSON, context)
    assert (context.status, context.sent) == (200, {"Content-Type": JSON})


def test_an_answer_that_is_larger_than_the_server_takes_is_refused(classifier: Classifier) -> None:
    label: Label = {"label": "긍정" * 100, "score": 0.5}
    context = Context()
    answer = json.loads(output_fn(Answers(JSON, [label] * 12_000), JSON, context))
    assert (context.status, answer["error"]["code"]) == (413, "answer_too_large")
    assert "send fewer texts" in answer["error"]["message"]


# Which runtime


@pytest.fixture
def optimised(folder: Path, tmp_path: Path) -> Path:
    """An archive with a graph and a stand-in for ONNX Runtime."""
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    (copy / "model.onnx").touch()
    (copy / "code" / "vendor").mkdir(parents=True)
    return copy


@pytest.fixture
def onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of that name, made of nothing."""
    module = type(sys)("onnx_runtime")
    monkeypatch.setitem(sys.modules, "onnx_runtime", module)
    return module


def test_an_optimised_model_runs_by_onnx_runtime(optimised: Path, onnx_runtime: Any) -> None:
    onnx_runtime.load = lambda model_dir: (model_dir, sys.path[0])
    loaded: Any = model_fn(str(optimised)).runtime
    assert loaded == (optimised, str(optimised / "code" / "vendor"))


def test_what_is_vendored_is_importable_for_it_alone(optimised: Path, onnx_runtime: Any) -> None:
    onnx_runtime.load = lambda model_dir: None
    before = list(sys.path)
    model_fn(str(optimised))
    assert sys.path == before


def test_without_onnx_runtime_pytorch_runs_it_and_the_log_says_so(
    optimised: Path, onnx_runtime: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Path) -> None:
        raise ImportError("No module named 'onnxruntime'")

    onnx_runtime.load = fail
    with caplog.at_level(logging.WARNING):
        model = model_fn(str(optimised))
    assert type(model.runtime).__name__ == "TorchRuntime"
    assert "PyTorch serves the model" in caplog.text


def test_on_a_gpu_pytorch_runs_it(
    optimised: Path, onnx_runtime: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(inference, "_GPU", tmp_path)
    assert type(model_fn(str(optimised)).runtime).__name__ == "TorchRuntime"


def test_a_model_that_was_not_optimised_runs_by_pytorch(classifier: Classifier) -> None:
    assert type(classifier.runtime).__name__ == "TorchRuntime"
