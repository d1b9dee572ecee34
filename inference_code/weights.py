"""weights.safetensors of an optimised archive: the weights, once, for ONNX Runtime and for PyTorch.

Tensors have PyTorch's names. A matrix that a linear layer multiplies by is the exception: `NAME.int8` is its
transpose, (in, out), and `NAME.scale`, (out), is what its columns are multiples of. Embeddings are float16.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file

INT8 = ".int8"
SCALE = ".scale"


def read(file: Path) -> dict[str, torch.Tensor]:
    """Return the weights by PyTorch's names, in float32 again."""
    tensors = load_file(file)
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        matrix = name.removesuffix(INT8)
        if matrix != name:
            weights[matrix] = (tensor * tensors[matrix + SCALE]).T.contiguous()
        elif name.removesuffix(SCALE) + INT8 not in tensors:
            weights[name] = tensor.float() if tensor.is_floating_point() else tensor
    return weights
