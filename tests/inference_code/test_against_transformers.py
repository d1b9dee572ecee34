"""What transformers makes of a text and of a request is what the handlers make of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    TextClassificationPipeline,
)

import onnx_runtime
import torch_runtime
from classifier import Classifier
from inference import input_fn, model_fn, output_fn, predict_fn
from optimise import build
from parameters import Parameters
from reading import JSON
from refusals import RequestError
from tests.training_code import tiny_model
from texts import Text, normalised

ROOT = Path(__file__).resolve().parents[2]
NASTY = [
    "재미있다",
    "ㅋㅋㅋㅋㅋㅋ ㅠㅠ ㅇㅈ ㄹㅇ",
    "ㅋ" * 5000,
    "\u1112\u1161\u11ab\u1112",
    "ﾡ ＯＫ ！ ①②③ ㈜ ㎏",
    "👨🏽‍👩🏽‍👧🏽‍👦🏽 최고 👍🏽❤️🇰🇷",
    "漢字도 ひらがな도 ไทย Việt",
    "[CLS] [SEP] [MASK] <s> </s> <pad> <mask>",
    "https://example.com/?q=가&x=1 a@b.kr #태그",
    "\ue000\ufdd0 \U000e0041",
    "10점 만점에 9.5점…!!!???~~^^;;",
    "가" + "\u0300" * 100,
    " ".join(["영화"] * 600),
]


def checkpoints() -> list[Any]:
    real = os.environ.get("BASE_MODEL_DIR", "")
    reason = "BASE_MODEL_DIR names no real checkpoint's folder"
    return [
        pytest.param(ROOT / "data" / "base_model", id="bundled"),
        pytest.param(Path(real), id="real", marks=pytest.mark.skipif(not real, reason=reason)),
    ]


@pytest.fixture(scope="module", params=checkpoints())
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerBase:
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(request.param, local_files_only=True)
    return loaded


class Seen:
    """A runtime that keeps the ids, the types and the mask of each text."""

    batch_tokens = 2048
    at_once = 1

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.input_names = frozenset(tokenizer.model_input_names)
        self.rows: list[dict[str, list[int]]] = []

    def logits(self, inputs: dict[str, Any]) -> Any:
        for row, mask in enumerate(inputs["attention_mask"]):
            self.rows.append({name: array[row][mask == 1].tolist() for name, array in inputs.items()})
        return inputs["input_ids"][:, :2].astype("float32")


@pytest.fixture(scope="module")
def reviews() -> list[str]:
    """Real ones, or the bundled ones."""
    if "NSMC_DIR" not in os.environ:
        lines = (ROOT / "data" / "reviews" / "reviews.tsv").read_text(encoding="utf-8").splitlines()
        return [line.split("\t")[0] for line in lines[1:]]
    file = Path(os.environ["NSMC_DIR"]) / "ratings_test.txt"
    columns = [line.split("\t") for line in file.read_text(encoding="utf-8").split("\n")[1:2001]]
    return [text for _, text, _ in columns if text.strip()]


def texts_of(reviews: list[str]) -> list[str]:
    return [normalised(text, "") for text in [*reviews, *NASTY]]


def given_to_the_model(
    folder: Path, tokenizer: PreTrainedTokenizerBase, texts: list[Text]
) -> list[dict[str, list[int]]]:
    """The texts as the classifier gives them to the model, one after the other."""
    tokenizer.save_pretrained(folder)
    config = {"id2label": {"0": "a", "1": "b"}, "pad_token_id": tokenizer.pad_token_id}
    config["max_position_embeddings"] = 512
    (folder / "config.json").write_text(json.dumps(config))
    seen = Seen(tokenizer)
    classifier = Classifier(folder, seen)
    for text in texts:
        assert not isinstance(classifier.classify([text])[0], RequestError)
    return seen.rows


def test_a_text_becomes_the_tokens_that_it_was_trained_with(
    tokenizer: PreTrainedTokenizerBase, reviews: list[str], tmp_path: Path
) -> None:
    texts = texts_of(reviews)
    limits = Parameters(max_length=128)
    found = given_to_the_model(tmp_path, tokenizer, [Text(text, parameters=limits) for text in texts])
    expected = tokenizer(texts, truncation=True, max_length=128)
    for index, row in enumerate(found):
        assert row == {name: expected[name][index] for name in tokenizer.model_input_names}, texts[index]


def test_a_pair_becomes_the_tokens_that_it_was_trained_with(
    tokenizer: PreTrainedTokenizerBase, reviews: list[str], tmp_path: Path
) -> None:
    texts = texts_of(reviews[:200])
    pairs = list(zip(texts, reversed(texts), strict=True))
    limits = Parameters(max_length=50)
    found = given_to_the_model(tmp_path, tokenizer, [Text(*pair, parameters=limits) for pair in pairs])
    expected = tokenizer([list(pair) for pair in pairs], truncation=True, max_length=50)
    for index, row in enumerate(found):
        assert row == {name: expected[name][index] for name in tokenizer.model_input_names}, pairs[index]


# The pipeline, which is the toolkit's own handler


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three labels."""
    folder = tmp_path_factory.mktemp("three")
    tiny_model.write_classifier(folder, ["부정", "중립", "긍정"])
    return folder


@pytest.fixture(scope="module")
def pipeline(archive: Path) -> TextClassificationPipeline:
    model = AutoModelForSequenceClassification.from_pretrained(archive)
    return TextClassificationPipeline(model=model, tokenizer=AutoTokenizer.from_pretrained(archive))


@pytest.fixture(scope="module")
def model(archive: Path) -> Classifier:
    return model_fn(str(archive))


PAIR = {"text": "영화 정말", "text_pair": "지루해요"}


@pytest.mark.parametrize(
    ("inputs", "parameters"),
    [
        ("영화 정말 좋았어요", {}),
        (["영화 정말 좋았어요", "음악", "배우 최고예요 ㅋㅋ"], {}),
        ("영화 정말 좋았어요", {"top_k": 2}),
        ("영화 정말 좋았어요", {"top_k": 1}),
        (["영화 정말 좋았어요", "음악"], {"top_k": 2}),
        (["영화 정말 좋았어요", "음악"], {"top_k": None}),
        ([PAIR, {"text": "음악"}], {}),
        ([PAIR], {"top_k": 3}),
        (PAIR, {"top_k": 2}),
        ("영화 " * 40, {"truncation": True, "max_length": 8}),
        (["음악 " * 500, "영화"], {"truncation": True}),
    ],
)
def test_the_answer_is_the_pipelines(
    pipeline: TextClassificationPipeline, model: Classifier, inputs: Any, parameters: dict[str, Any]
) -> None:
    body = json.dumps({"inputs": inputs, "parameters": parameters})
    found = json.loads(output_fn(predict_fn(input_fn(body, JSON), model), JSON))
    assert close(found, pipeline(inputs, **parameters))


def test_the_answer_for_one_pair_is_the_pipelines_in_a_list(
    pipeline: TextClassificationPipeline, model: Classifier
) -> None:
    body = json.dumps({"inputs": PAIR})
    found = json.loads(output_fn(predict_fn(input_fn(body, JSON), model), JSON))
    assert close(found, [pipeline(PAIR)])


@pytest.fixture(scope="module", params=["single_label_classification", "multi_label_classification"])
def optimised(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of optimise.py's, of a model that tells labels apart, or takes each by itself."""
    trained, folder = (tmp_path_factory.mktemp(name) for name in ("trained", "optimised"))
    tiny_model.write_classifier(trained, ["연기", "이야기", "음악"], request.param)
    model = AutoModelForSequenceClassification.from_pretrained(trained)
    # As they are made, weights are so small that all texts are answered alike.
    for weight in model.parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(trained)
    build(trained, folder)
    return folder


@pytest.fixture(scope="module", params=["PyTorch", "ONNX Runtime"])
def served(request: pytest.FixtureRequest, optimised: Path) -> Classifier:
    runtime = torch_runtime if request.param == "PyTorch" else onnx_runtime
    return Classifier(optimised, runtime.load(optimised))


@pytest.mark.parametrize(
    "inputs", [["영화 정말 좋았어요", "음악"], [PAIR, {"text": "음악", "text_pair": "배우"}]]
)
@pytest.mark.parametrize("parameters", [{}, {"top_k": None}], ids=["likeliest", "all"])
def test_both_runtimes_answer_as_the_pipeline_on_texts_and_on_pairs_of_either_kind_of_model(
    optimised: Path, served: Classifier, inputs: list[Any], parameters: dict[str, Any]
) -> None:
    body = json.dumps({"inputs": inputs, "parameters": parameters})
    found = json.loads(output_fn(predict_fn(input_fn(body, JSON), served), JSON))
    pipeline = TextClassificationPipeline(
        model=torch_runtime.load(optimised).model, tokenizer=AutoTokenizer.from_pretrained(optimised)
    )
    # ONNX Runtime rounds what it multiplies to 8 bits.
    within = 0.02 if isinstance(served.runtime, onnx_runtime.OnnxRuntime) else 1e-4
    assert close(found, pipeline(inputs, **parameters), within)


def test_threshold_gives_all_labels_of_a_multi_label_model_that_have_it(tmp_path: Path) -> None:
    tiny_model.write_classifier(tmp_path, ["연기", "이야기", "음악"], "multi_label_classification")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([3.0, -3.0, 3.0]))
    model.save_pretrained(tmp_path)
    body = json.dumps({"inputs": ["영화 정말 좋았어요"], "parameters": {"threshold": 0.5}})
    (found,) = json.loads(output_fn(predict_fn(input_fn(body, JSON), model_fn(str(tmp_path))), JSON))
    assert {one["label"] for one in found} == {"연기", "음악"}


def close(found: Any, expected: Any, within: float = 1e-4) -> bool:
    """Whether two answers have the same form and labels, and nearly the same scores."""
    if isinstance(expected, list):
        return len(found) == len(expected) and all(
            close(one, other, within) for one, other in zip(found, expected, strict=True)
        )
    return bool(
        found["label"] == expected["label"] and found["score"] == pytest.approx(expected["score"], abs=within)
    )
