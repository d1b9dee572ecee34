from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from safetensors.numpy import load_file
from transformers import BertConfig, PreTrainedModel

import onnx_runtime
import weights
from onnx_export import export
from onnx_int8 import quantise
from tests.training_code.tiny_optimised import CONFIGS, model
from torch_runtime import TorchRuntime


@dataclass(frozen=True)
class Made:
    """A model, and the folder with what was made of it."""

    model: PreTrainedModel
    folder: Path

    def inputs(self) -> dict[str, NDArray[np.int64]]:
        """Four texts of 5 to 20 tokens, padded."""
        mask = (np.arange(20) < np.array([[20], [12], [5], [17]])).astype(np.int64)
        ids = np.random.default_rng(0).integers(5, 200, mask.shape)
        given = {
            "input_ids": np.where(mask, ids, self.model.config.pad_token_id),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
        return {name: given[name] for name in TorchRuntime(self.model).input_names}


def make(trained: PreTrainedModel, folder: Path) -> Made:
    export(trained, sorted(TorchRuntime(trained).input_names), folder / "graph")
    quantise(folder / "graph", {n: w.numpy() for n, w in trained.state_dict().items()}, folder)
    return Made(trained, folder)


@pytest.fixture(scope="module", params=CONFIGS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(model(CONFIGS[request.param]), tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(model(CONFIGS["bert"]), tmp_path_factory.mktemp("bert"))


def test_onnx_runtime_computes_what_pytorch_does_with_the_same_weights(made: Made) -> None:
    restored = model(made.model.config)
    restored.load_state_dict(weights.read(made.folder / "weights.safetensors"))
    expected = TorchRuntime(restored).logits(made.inputs())
    found = onnx_runtime.load(made.folder).logits(made.inputs())
    assert expected.std() > 0.1
    assert found == pytest.approx(expected, abs=0.02)


def test_the_weights_are_the_models_to_a_half_of_a_step(made: Made) -> None:
    read = weights.read(made.folder / "weights.safetensors")
    for name, weight in made.model.state_dict().items():
        step = weight.abs().max() / 63
        assert (read[name] - weight).abs().max() <= step / 2, name


def test_what_the_model_is_given_is_what_pytorch_is_given(made: Made) -> None:
    assert onnx_runtime.load(made.folder).input_names == TorchRuntime(made.model).input_names


def test_matrices_are_int8_tables_half_and_the_rest_single(bert: Made) -> None:
    found = {name: array.dtype.name for name, array in load_file(bert.folder / "weights.safetensors").items()}
    layer = "bert.encoder.layer.1.output"
    assert found[f"{layer}.dense.weight.int8"] == "int8"
    assert found[f"{layer}.dense.weight.scale"] == found[f"{layer}.LayerNorm.weight"] == "float32"
    assert found["bert.embeddings.word_embeddings.weight"] == "float16"
    assert found["classifier.weight"] == "float32"


def test_seven_bits_are_used_so_that_processors_without_vnni_answer_the_same(bert: Made) -> None:
    for name, array in load_file(bert.folder / "weights.safetensors").items():
        if name.endswith(".int8"):
            assert np.abs(array.astype(int)).max() == 63, name


def test_the_graph_holds_no_weights(bert: Made) -> None:
    graph = onnx.load(bert.folder / "model.onnx", load_external_data=False).graph
    held = [
        tensor.name
        for tensor in graph.initializer
        if tensor.data_location != TensorProto.EXTERNAL and tensor.data_type != TensorProto.INT64
    ]
    assert all(name not in bert.model.state_dict() for name in held)
    assert sum(len(tensor.raw_data) for tensor in graph.initializer if tensor.name in held) < 64


def test_what_several_products_take_is_quantised_once(bert: Made) -> None:
    nodes = onnx.load(bert.folder / "model.onnx", load_external_data=False).graph.node
    kinds = [node.op_type for node in nodes]
    # Query, key and value of a layer take the same, and three more each their own.
    assert kinds.count("MatMulIntegerToFloat") == 2 * 6
    assert kinds.count("QuantizeLinear") == 2 * 4


def test_a_text_is_answered_in_company_as_alone(made: Made) -> None:
    runtime = onnx_runtime.load(made.folder)
    inputs = made.inputs()
    together = runtime.logits(inputs)
    for row, length in enumerate(inputs["attention_mask"].sum(axis=1)):
        alone = runtime.logits({name: array[row : row + 1, :length] for name, array in inputs.items()})
        assert alone[0] == pytest.approx(together[row], abs=1e-3)


def test_a_token_of_zeros_is_answered(tmp_path: Path) -> None:
    trained = model(BertConfig(**CONFIGS["bert"].to_dict() | {"hidden_act": "relu"}))
    with torch.no_grad():
        # Nothing passes the activation.
        trained.bert.encoder.layer[0].intermediate.dense.bias.fill_(-100)
    made = make(trained, tmp_path)
    expected = TorchRuntime(trained).logits(made.inputs())
    assert onnx_runtime.load(tmp_path).logits(made.inputs()) == pytest.approx(expected, abs=0.05)


def test_equal_weights_have_each_their_name(tmp_path: Path) -> None:
    trained = model(CONFIGS["bert"])
    layers = trained.bert.encoder.layer
    layers[1].load_state_dict(layers[0].state_dict())
    made = make(trained, tmp_path)
    trained.load_state_dict(weights.read(tmp_path / "weights.safetensors"))
    expected = TorchRuntime(trained).logits(made.inputs())
    assert onnx_runtime.load(tmp_path).logits(made.inputs()) == pytest.approx(expected, abs=0.02)


def test_a_column_of_zeros_stays_one(tmp_path: Path) -> None:
    trained = model(CONFIGS["bert"])
    dense = trained.bert.encoder.layer[0].output.dense.weight
    with torch.no_grad():
        dense[3] = 0
    make(trained, tmp_path)
    read = weights.read(tmp_path / "weights.safetensors")["bert.encoder.layer.0.output.dense.weight"]
    assert read[3].tolist() == [0] * 64


def test_the_same_model_gives_the_same_bytes(bert: Made, tmp_path: Path) -> None:
    make(bert.model, tmp_path)
    for name in ("model.onnx", "weights.safetensors"):
        assert (tmp_path / name).read_bytes() == (bert.folder / name).read_bytes()
