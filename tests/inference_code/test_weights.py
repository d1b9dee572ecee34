from pathlib import Path

import torch
from safetensors.torch import save_file

import weights


def test_a_matrix_in_int8_is_its_columns_times_their_scales_transposed(tmp_path: Path) -> None:
    matrix = torch.tensor([[1, -2], [3, 4], [-63, 0]], dtype=torch.int8)
    save_file({"dense.int8": matrix, "dense.scale": torch.tensor([0.5, 2.0])}, tmp_path / "w")
    read = weights.read(tmp_path / "w")
    assert read.keys() == {"dense"}
    assert read["dense"].tolist() == [[0.5, 1.5, -31.5], [-4.0, 8.0, 0.0]]


def test_half_precision_becomes_single(tmp_path: Path) -> None:
    save_file({"table": torch.tensor([0.1], dtype=torch.float16)}, tmp_path / "w")
    assert weights.read(tmp_path / "w")["table"].dtype == torch.float32


def test_a_weight_that_is_called_scale_stays_one(tmp_path: Path) -> None:
    save_file({"norm.scale": torch.tensor([2.0])}, tmp_path / "w")
    assert weights.read(tmp_path / "w")["norm.scale"].tolist() == [2.0]


def test_positions_stay_integers(tmp_path: Path) -> None:
    save_file({"position_ids": torch.arange(3)}, tmp_path / "w")
    assert weights.read(tmp_path / "w")["position_ids"].dtype == torch.int64
