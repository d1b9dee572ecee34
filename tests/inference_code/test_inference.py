import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import inference
from inference import Classifier, input_fn, model_fn, output_fn, predict_fn
from tests.training_code import tiny_model

JSON = "application/json"
TEXTS = [
    "영화 정말 좋았어요",
    "음악",
    "이야기 지루해요 시간이 아까워요 실망이에요 0점",
    "배우 최고예요 ㅋㅋ",
] * 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny_model.write_classifier(folder, ["부정", "긍정"])
    return folder


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Classifier:
    return model_fn(str(folder))


@pytest.fixture
def calls(classifier: Classifier) -> Iterator[list[dict[str, Any]]]:
    """What each pass through the model was given, and whether gradients were off."""
    seen: list[dict[str, Any]] = []

    def note(module: object, args: object, kwargs: dict[str, Any]) -> None:
        seen.append(kwargs | {"inference": torch.is_inference_mode_enabled()})

    hook = classifier.model.register_forward_pre_hook(note, with_kwargs=True)
    yield seen
    hook.remove()


def test_each_text_gets_the_answer_it_gets_alone_in_order(classifier: Classifier) -> None:
    together = predict_fn({"inputs": TEXTS}, classifier)
    alone = [predict_fn({"inputs": [text]}, classifier)[0] for text in TEXTS]
    assert [answer["label"] for answer in together] == [answer["label"] for answer in alone]
    assert [answer["score"] for answer in together] == pytest.approx(
        [answer["score"] for answer in alone], abs=1e-5
    )


def test_a_score_is_the_probability_of_the_likeliest_label(classifier: Classifier) -> None:
    encoded = classifier.tokenizer("영화 정말 좋았어요", return_tensors="pt")
    probabilities = classifier.model(**encoded).logits.softmax(-1)[0]
    answer = predict_fn({"inputs": ["영화 정말 좋았어요"]}, classifier)[0]
    assert answer["score"] == pytest.approx(probabilities.max().item(), abs=1e-5)
    assert answer["label"] == ["부정", "긍정"][int(probabilities.argmax())]


def test_a_list_is_not_run_one_by_one(classifier: Classifier, calls: list[dict[str, Any]]) -> None:
    predict_fn({"inputs": TEXTS}, classifier)
    assert len(calls) == -(-len(TEXTS) // inference.BATCH_SIZE)


def test_a_batch_is_padded_to_its_own_longest(classifier: Classifier, calls: list[dict[str, Any]]) -> None:
    predict_fn({"inputs": ["음악", "영화 좋았어요"]}, classifier)
    longest = len(classifier.tokenizer("영화 좋았어요")["input_ids"])
    assert calls[0]["input_ids"].shape == (2, longest)


def test_the_model_runs_in_inference_mode(classifier: Classifier, calls: list[dict[str, Any]]) -> None:
    predict_fn({"inputs": ["음악"]}, classifier)
    assert calls[0]["inference"]


def test_a_text_over_the_maximum_is_truncated(classifier: Classifier, calls: list[dict[str, Any]]) -> None:
    predict_fn({"inputs": ["영화 " * 1000]}, classifier)
    assert calls[0]["input_ids"].shape == (1, 64)


def test_a_text_is_scored_as_it_was_normalised_for_training(classifier: Classifier) -> None:
    plain, dressed = predict_fn({"inputs": ["음악 최고예요", "  음악\u200b \n 최고예요 "]}, classifier)
    assert plain == dressed


def test_no_texts_no_answers(classifier: Classifier) -> None:
    assert predict_fn({"inputs": []}, classifier) == []


def test_model_fn_opens_no_connection(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("model_fn opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model_fn(str(folder))


def test_an_archive_without_its_tokenizer_does_not_load(classifier: Classifier, tmp_path: Path) -> None:
    classifier.model.save_pretrained(tmp_path)
    with pytest.raises(OSError, match="tokenizer"):
        model_fn(str(tmp_path))


def test_half_precision_weights_run_in_single_precision(folder: Path, tmp_path: Path) -> None:
    loaded = model_fn(str(folder))
    loaded.model.half().save_pretrained(tmp_path)
    loaded.tokenizer.save_pretrained(tmp_path)
    assert model_fn(str(tmp_path)).model.dtype == torch.float32


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=utf-8; q=1",
        "Application/JSON",
    ],
)
def test_json_in_utf_8_is_read(content_type: str) -> None:
    body = '{"inputs": "좋아요", "parameters": {}}'
    assert input_fn(body.encode(), content_type) == {"inputs": ["좋아요"]}


@pytest.mark.parametrize("kind", [str, str.encode, lambda body: bytearray(body.encode())])
def test_a_body_comes_as_text_or_bytes(kind: Any) -> None:
    assert input_fn(kind('{"inputs": ["좋아요", "싫어요"]}'), JSON) == {"inputs": ["좋아요", "싫어요"]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "not JSON: .* line 1 column 2"),
        ("[" * 100_000, "nested too deep"),
        ("좋아요".encode("cp949"), "not UTF-8 at byte 0"),
        ('["좋아요"]', 'no field "inputs"'),
        ('{"text": "좋아요"}', 'no field "inputs"'),
        ('{"inputs": "좋아요", "option": 1}', "unknown fields: option"),
        ('{"inputs": "좋아요", "parameters": {"top_k": 2}}', "not supported: top_k"),
        ('{"inputs": "좋아요", "parameters": null}', '"parameters" must be an object, not null'),
        ('{"inputs": 3}', '"inputs" must be a text or a list of texts, not a number'),
        ('{"inputs": {"text": "좋아요"}}', '"inputs" must be a text or a list of texts, not an object'),
        ('{"inputs": ["좋아요", null]}', r"inputs\[1\] must be a text, not null"),
        ('{"inputs": ["좋아요", "\\u200b "]}', r"inputs\[1\] has no visible character"),
        ('{"inputs": ""}', r"inputs\[0\] has no visible character"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong_and_what_is_right(body: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        input_fn(body, JSON)
    assert str(error.value).endswith('A right request: {"inputs": ["정말 재미있어요", "시간이 아까웠다"]}')


@pytest.mark.parametrize(
    "content_type", ["text/csv", "application/jsonlines", "application/json; charset=euc-kr", ""]
)
def test_another_content_type_is_refused_by_name(content_type: str) -> None:
    with pytest.raises(ValueError, match=f"Content-Type '{content_type}' is not supported"):
        input_fn('{"inputs": "좋아요"}', content_type)


def test_a_request_without_a_content_type_is_refused() -> None:
    with pytest.raises(ValueError, match="Content-Type None is not supported; send application/json"):
        input_fn('{"inputs": "좋아요"}', None)


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, application/json;q=0.9", ""])
def test_the_answer_is_readable_json(accept: str) -> None:
    answer = output_fn([{"label": "긍정", "score": 0.5}], accept)
    assert "긍정" in answer
    assert json.loads(answer) == [{"label": "긍정", "score": 0.5}]


def test_a_caller_that_takes_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Accept 'text/csv' is not supported"):
        output_fn([], "text/csv")
