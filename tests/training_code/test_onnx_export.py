from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from onnx_export import ExportError, export


class Classifier(torch.nn.Module):
    """Half of what PyTorch takes for a model of transformers."""

    config = SimpleNamespace(vocab_size=50, pad_token_id=0)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        raise NotImplementedError


class Counting(Classifier):
    """Adds the number of tokens, which a trace takes for a constant."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        ids = (input_ids * attention_mask).float()
        return SimpleNamespace(logits=ids.sum(1, keepdim=True) + int(ids.shape[1]))


class Waving(Classifier):
    """Uses an operator that ONNX has not."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        return SimpleNamespace(logits=torch.special.bessel_j0(input_ids.float()))


NAMES = ["attention_mask", "input_ids"]


def test_a_graph_that_computes_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Counting: its graph computes other logits than PyTorch"):
        export(Counting(), NAMES, tmp_path / "graph")


def test_what_onnx_cannot_compute_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="bessel_j0"):
        export(Waving(), NAMES, tmp_path / "graph")
