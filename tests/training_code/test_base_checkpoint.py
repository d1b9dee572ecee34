from pathlib import Path

import torch

from base_checkpoint import load
from hyperparameters import Arguments
from task import MULTI_LABEL, SINGLE_LABEL


def test_half_precision_weights_are_trained_in_single_precision(checkpoint: Path) -> None:
    model, _, _ = load(Arguments(max_seq_length=32), checkpoint, ["a", "b"], SINGLE_LABEL)
    assert model.dtype == torch.float32


def test_the_configuration_says_what_kind_of_task_the_model_is_for(checkpoint: Path) -> None:
    model, _, _ = load(Arguments(max_seq_length=32), checkpoint, ["a", "b"], MULTI_LABEL)
    assert model.config.problem_type == "multi_label_classification"
