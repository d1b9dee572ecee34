"""The handlers that benchmarks/serving.py compares ours with answer as ours do."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType

import pytest

import inference
from benchmarks.serving_archives import HANDLERS
from tests.training_code import tiny_model

TEXTS = ["정말 재미있어요", "시간이 아까웠다 ㅠㅠ"]
JSON = "application/json"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("classifier")
    tiny_model.write_classifier(folder, ["negative", "positive"])
    return str(folder)


def answers(handlers: ModuleType, model: str, inputs: str | list[str]) -> list[tuple[str, object]]:
    data = handlers.input_fn(json.dumps({"inputs": inputs}), JSON)
    answer = handlers.output_fn(handlers.predict_fn(data, handlers.model_fn(model)), JSON)
    return [(one["label"], pytest.approx(one["score"], abs=1e-5)) for one in json.loads(answer)]


@pytest.mark.parametrize("inputs", [TEXTS[0], TEXTS], ids=["one", "many"])
@pytest.mark.parametrize("name", ["default", "workshop"])
def test_they_answer_as_ours_do(
    name: str, inputs: str | list[str], model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = HANDLERS / name / "inference.py"
    spec = importlib.util.spec_from_file_location(f"{name}_handlers", file)
    assert spec and spec.loader
    handlers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(handlers)
    monkeypatch.setattr(handlers, "MAX_LENGTH", 64, raising=False)
    assert answers(handlers, model, inputs) == answers(inference, model, inputs)
