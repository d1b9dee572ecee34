"""A float32 graph made small and fast: matrix products in int8, embeddings in float16, operators fused.

The columns of a weight and the tokens that it is multiplied by have each a scale of their own. ONNX Runtime's
quantize_dynamic gives one scale to all tokens of a batch: in company a text is then answered otherwise than
alone, and twice as many answers differ from float32's.
"""

import json
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
from safetensors.numpy import save_file

from weights import INT8, SCALE

# Of the 127 that a weight could be: a processor without VNNI adds two products of uint8 and int8 in an int16,
# which more would overflow. With 7 bits every processor answers the same.
_LARGEST = 63
# A token's numbers, divided by the largest of them, as uint8.
_STEP, _ZERO = "int8_step", "int8_zero"
_TOKEN = {_STEP: np.float32(1 / 127), _ZERO: np.uint8(128)}

# The domain of its own operators.
_ONNX_RUNTIME = "com.microsoft"

Arrays = dict[str, NDArray[np.generic]]


def quantise(file: Path, weights: Arrays, folder: Path) -> None:
    """Make model.onnx and weights.safetensors in `folder` of the graph in `file`.

    `weights` are the model's, by PyTorch's names; all of them come into weights.safetensors, in the form that
    inference_code/weights.py tells of. What else the graph holds, constants, stays in it.
    """
    # What computes sizes becomes constants, and a weight stands where it is used.
    model = _optimised(file, GraphOptimizationLevel.ORT_ENABLE_BASIC)
    _shrink(model.graph, weights)
    with tempfile.TemporaryDirectory() as temporary:
        quantised = Path(temporary) / "quantised.onnx"
        onnx.save(model, quantised)
        model = _optimised(quantised, GraphOptimizationLevel.ORT_ENABLE_EXTENDED)
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    chosen = {
        name: array
        for name, array in arrays.items()
        if name.removesuffix(INT8).removesuffix(SCALE) in weights
    }
    # A graph holds once what is equal, and what no text reaches not at all; PyTorch wants all by name.
    chosen |= {
        name: array for name, array in weights.items() if name not in chosen and name + INT8 not in chosen
    }
    save_file(chosen, folder / "weights.safetensors", metadata={"format": "pt"})
    _point(model.graph, folder / "weights.safetensors")
    onnx.save(model, folder / "model.onnx")


def _optimised(file: Path, level: GraphOptimizationLevel) -> ModelProto:
    """Return the graph as ONNX Runtime would run it on any processor."""
    options = SessionOptions()
    options.graph_optimization_level = level
    # In place of the error function: a tenth of the time, and 0.0005 at most in what a neuron says.
    options.add_session_config_entry("optimization.enable_gelu_approximation", "1")
    # It warns that what it writes is for this processor; below the level ALL it is for each.
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def _shrink(graph: GraphProto, weights: Arrays) -> None:
    """Rewrite products in int8 and embeddings in float16."""
    arrays = _named(graph, weights) | {name: np.array(value) for name, value in _TOKEN.items()}
    matrices = {_value(array.T): name for name, array in weights.items() if array.ndim == 2}
    embeddings = _embeddings(graph, arrays)
    nodes: list[NodeProto] = []
    quantised: set[str] = set()
    for node in graph.node:
        matrix = arrays.get(node.input[1]) if node.op_type == "MatMul" else None
        name = None if matrix is None else matrices.get(_value(matrix))
        if matrix is not None and name:
            arrays[name + INT8], arrays[name + SCALE] = _by_column(matrix)
            nodes += _product(node, name, quantise_input=node.input[0] not in quantised)
            quantised.add(node.input[0])
        elif node.op_type == "Gather" and node.input[0] in embeddings:
            arrays[node.input[0]] = arrays[node.input[0]].astype(np.float16)
            output = node.output[0]
            node.output[0] += "_half"
            nodes += [node, helper.make_node("Cast", [node.output[0]], [output], to=TensorProto.FLOAT)]
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input} & arrays.keys()
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(arrays[name], name) for name in sorted(used))


def _named(graph: GraphProto, weights: Arrays) -> Arrays:
    """Return what the graph holds, and have it call the weights by PyTorch's names."""
    names = {_value(array): name for name, array in weights.items()}
    arrays: Arrays = {}
    renamed: dict[str, str] = {}
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        renamed[tensor.name] = names.get(_value(array), tensor.name)
        arrays[renamed[tensor.name]] = array
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    return arrays


def _embeddings(graph: GraphProto, arrays: Arrays) -> set[str]:
    """Return the arrays of floats that are looked up in, and that nothing computes with."""
    uses = [
        (name, node.op_type == "Gather" and place == 0)
        for node in graph.node
        for place, name in enumerate(node.input)
        if name in arrays and arrays[name].dtype == np.float32
    ]
    return {name for name, looked_up in uses if looked_up} - {
        name for name, looked_up in uses if not looked_up
    }


def _value(array: NDArray[np.generic]) -> tuple[tuple[int, ...], bytes]:
    """Return what is the same for equal arrays: exporters do not keep names."""
    return array.shape, sha256(np.ascontiguousarray(array).data).digest()


def _by_column(matrix: NDArray[np.generic]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the matrix (in, out) in int8, and what its columns are multiples of, (out,)."""
    scale = np.abs(matrix).max(axis=0) / np.float32(_LARGEST)
    scale[scale == 0] = 1
    return np.rint(matrix / scale).astype(np.int8), scale


def _product(node: NodeProto, matrix: str, *, quantise_input: bool) -> list[NodeProto]:
    """Return the nodes that compute the product of `node` in int8."""
    given, output = node.input[0], node.output[0]
    absolute, largest, ratio, quantised = (f"{given}_{part}" for part in ("abs", "max", "ratio", "int8"))
    nodes = [
        helper.make_node("Abs", [given], [absolute]),
        helper.make_node("ReduceMax", [absolute], [largest], axes=[-1]),
        # Where all are 0, this is not a number; but the product is multiplied by 0.
        helper.make_node("Div", [given, largest], [ratio]),
        helper.make_node("QuantizeLinear", [ratio, _STEP, _ZERO], [quantised]),
    ]
    return [
        *(nodes if quantise_input else []),
        helper.make_node(
            "MatMulIntegerToFloat",
            [quantised, matrix + INT8, _STEP, matrix + SCALE, _ZERO],
            [f"{output}_ratio"],
            domain=_ONNX_RUNTIME,
        ),
        helper.make_node("Mul", [f"{output}_ratio", largest], [output]),
    ]


def _point(graph: GraphProto, weights: Path) -> None:
    """Have the graph take its tensors from the file: the length of a header, it in JSON, and raw tensors."""
    with weights.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    for tensor in graph.initializer:
        if tensor.name in header:
            begin, end = header[tensor.name]["data_offsets"]
            place = {"location": weights.name, "offset": 8 + length + begin, "length": end - begin}
            pointer = TensorProto(
                name=tensor.name,
                dims=tensor.dims,
                data_type=tensor.data_type,
                data_location=TensorProto.EXTERNAL,
            )
            for key, value in place.items():
                pointer.external_data.add(key=key, value=str(value))
            tensor.CopyFrom(pointer)
