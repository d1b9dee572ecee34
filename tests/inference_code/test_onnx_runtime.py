import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import onnxruntime
import pytest
from transformers import AutoModelForSequenceClassification

import inference
import onnx_runtime
import torch_runtime
from classifier import Classifier
from tests.training_code import tiny_optimised

TEXTS = ["영화 정말 좋았어요", "음악", "이야기 지루해요 시간이 아까워요 실망이에요 0점"] * 5


@pytest.fixture(scope="module")
def optimised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extracted archive as optimise.py writes it."""
    folder = tmp_path_factory.mktemp("optimised") / "model"
    tiny_optimised.write_archive(folder, ["부정", "긍정"])
    return folder


def scores(classifier: Classifier) -> list[float]:
    data = inference.input_fn(json.dumps({"inputs": TEXTS}), "application/json")
    answers = json.loads(inference.output_fn(inference.predict_fn(data, classifier), "application/json"))
    return [answer["score"] for answer in answers]


def test_an_optimised_archive_is_served_by_onnx_runtime(optimised: Path) -> None:
    assert isinstance(inference.model_fn(str(optimised)).runtime, onnx_runtime.OnnxRuntime)


def test_the_answers_are_those_of_pytorch_with_the_same_weights(optimised: Path) -> None:
    pytorch = Classifier(optimised, torch_runtime.load(optimised))
    assert scores(inference.model_fn(str(optimised))) == pytest.approx(scores(pytorch), abs=0.005)


def test_neither_pytorch_nor_transformers_is_imported(optimised: Path) -> None:
    code = """
import json, sys
import inference
model = inference.model_fn(sys.argv[1])
data = inference.input_fn(json.dumps({"inputs": "영화 정말 좋았어요"}), "application/json")
inference.output_fn(inference.predict_fn(data, model), "application/json")
print(*sorted({"onnxruntime", "torch", "transformers"} & sys.modules.keys()))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, str(optimised)],
        env=os.environ | {"PYTHONPATH": str(optimised / "code")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["onnxruntime"]


def test_transformers_alone_loads_no_part_of_an_optimised_archive(optimised: Path) -> None:
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        AutoModelForSequenceClassification.from_pretrained(optimised, use_safetensors=True)


def test_as_many_batches_run_side_by_side_as_the_container_has_cpus(
    optimised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 3, 4}, raising=False)
    assert onnx_runtime.load(optimised).at_once == 3


def test_each_of_them_has_one_thread(optimised: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def session(path: str, options: onnxruntime.SessionOptions, **_: object) -> object:
        threads.append(options.intra_op_num_threads)
        return onnxruntime.InferenceSession(path, **_)

    monkeypatch.setattr(
        onnx_runtime, "onnxruntime", SimpleNamespace(**vars(onnxruntime) | {"InferenceSession": session})
    )
    onnx_runtime.load(optimised)
    assert threads == [1]
