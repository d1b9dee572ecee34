"""A classifier of transformers as an ONNX graph, in float32."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from transformers import PreTrainedModel

# LayerNormalization is one operator from here on.
_OPSET = 17
# Far more than float32 loses, far less than a part that was traced wrong makes.
_TOLERANCE = 1e-3


class ExportError(Exception):
    """The model has no such graph; the message says why, in words."""


class _Logits(torch.nn.Module):
    """The model as a function of its inputs, in the order of `names`."""

    def __init__(self, model: PreTrainedModel, names: list[str]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(**dict(zip(self.names, inputs, strict=True))).logits
        return logits


def export(model: PreTrainedModel, names: list[str], file: Path) -> None:
    """Write the graph of `model`, which attends eagerly, from its inputs `names` to its logits.

    Raises:
        ExportError: its graph computes something else. For what it cannot export PyTorch has its own errors.
    """
    function = _Logits(model, names).eval()
    sizes = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings(), _traceable_masks():
        # That a size becomes a constant would show below; of the newer exporter there is no use here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            function,
            tuple(_example(model, names, batch=2, tokens=8)),
            str(file),
            input_names=names,
            output_names=["logits"],
            dynamic_axes={**dict.fromkeys(names, sizes), "logits": {0: "batch"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    _compare(function, file)


def _compare(function: _Logits, file: Path) -> None:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    inputs = _example(function.model, function.names, batch=3, tokens=11)
    with torch.inference_mode():
        expected = function(*inputs).numpy()
    (logits,) = session.run(None, {name: i.numpy() for name, i in zip(function.names, inputs, strict=True)})
    if logits.shape != expected.shape or not np.allclose(logits, expected, atol=_TOLERANCE):
        raise ExportError(f"{type(function.model).__name__}: its graph computes other logits than PyTorch")


def _example(model: PreTrainedModel, names: list[str], *, batch: int, tokens: int) -> list[torch.Tensor]:
    """Return inputs of which the last text is padded."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(model.config.vocab_size, (batch, tokens), generator=generator)
    mask = torch.ones_like(ids)
    ids[-1, tokens // 2 :] = model.config.pad_token_id or 0
    mask[-1, tokens // 2 :] = 0
    # Those of a pair of texts.
    types = (torch.arange(tokens) >= tokens // 2).long().expand(batch, tokens).contiguous()
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    return [inputs[name] for name in names]


@contextmanager
def _traceable_masks() -> Iterator[None]:
    """Have transformers 5 make the mask of padding in a way that can be traced.

    Its own takes sizes for an argument of old, as they are tensors while a model is traced.
    """
    try:
        from transformers import masking_utils
    except ImportError:
        # Until 4.53 each model made its own.
        yield
        return

    def eager_mask(
        attention_mask: torch.Tensor, mask_function: object, dtype: torch.dtype, **_: Any
    ) -> torch.Tensor:
        if mask_function is not masking_utils.bidirectional_mask_function:
            raise ExportError("its tokens do not all attend to one another, which has no export here")
        return (1 - attention_mask[:, None, None, :].to(dtype)) * torch.finfo(dtype).min

    # Of this mapping alone, which overrides what all have.
    masking_utils.ALL_MASK_ATTENTION_FUNCTIONS["eager"] = eager_mask
    try:
        yield
    finally:
        del masking_utils.ALL_MASK_ATTENTION_FUNCTIONS["eager"]
