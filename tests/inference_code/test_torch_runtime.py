import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

import torch_runtime
from torch_runtime import TorchRuntime

INPUTS = {
    "input_ids": np.array([[2, 7, 8, 3], [2, 9, 3, 0]]),
    "attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0]]),
    "token_type_ids": np.zeros((2, 4), np.int64),
}


@pytest.fixture(scope="module")
def runtime(folder: Path) -> TorchRuntime:
    return torch_runtime.load(folder)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """The archive, to be changed."""
    return Path(shutil.copytree(folder, tmp_path / "model"))


@pytest.fixture
def passes(runtime: TorchRuntime) -> Iterator[list[bool]]:
    """Whether gradients were off, for each pass through the model."""
    seen: list[bool] = []
    hook = runtime.model.register_forward_pre_hook(lambda *_: seen.append(torch.is_inference_mode_enabled()))
    yield seen
    hook.remove()


def test_the_logits_are_the_models(folder: Path, runtime: TorchRuntime) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = model(**{name: torch.from_numpy(array) for name, array in INPUTS.items()}).logits
    found = runtime.logits(INPUTS)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected.numpy(), abs=1e-6)


def test_no_gradients_are_kept(runtime: TorchRuntime, passes: list[bool]) -> None:
    runtime.logits(INPUTS)
    assert passes == [True]


def test_a_model_of_one_type_of_text_is_told_no_types(copy: Path) -> None:
    file = copy / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"type_vocab_size": 1}))
    weights = load_file(copy / "model.safetensors")
    name = "bert.embeddings.token_type_embeddings.weight"
    save_file(weights | {name: weights[name][:1].clone()}, copy / "model.safetensors", {"format": "pt"})
    assert torch_runtime.load(copy).input_names == {"input_ids", "attention_mask"}


def test_half_precision_weights_run_in_single_precision_on_a_cpu(copy: Path) -> None:
    torch_runtime.load(copy).model.half().save_pretrained(copy)
    assert torch_runtime.load(copy).model.dtype == torch.float32


def test_loading_opens_no_connection(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    torch_runtime.load(folder)


def test_weights_are_never_unpickled(copy: Path) -> None:
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(OSError, match=r"has no model\.safetensors; .* save the model with safetensors"):
        torch_runtime.load(copy)


def test_code_of_the_archives_own_is_not_run(copy: Path) -> None:
    (copy / "modeling.py").write_text("raise AssertionError('it ran')\n")
    file = copy / "config.json"
    auto_map = {"AutoModelForSequenceClassification": "modeling.Model"}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"auto_map": auto_map}))
    assert type(torch_runtime.load(copy).model).__module__.startswith("transformers.")


def test_weights_without_a_part_of_the_model_are_refused(copy: Path) -> None:
    """transformers would fill it with noise, and say so in a warning."""
    weights: dict[str, Any] = load_file(copy / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(OSError, match=r"lack classifier\.weight"):
        torch_runtime.load(copy)
