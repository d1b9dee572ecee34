"""Models of several architectures to optimise, and a whole optimised archive; made within a second."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    ElectraConfig,
    PretrainedConfig,
    PreTrainedModel,
    RobertaConfig,
)

from contract import inference_code_dir
from optimise import build
from tests.training_code import tiny_model

_SIZES = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
}
CONFIGS: dict[str, PretrainedConfig] = {
    "bert": BertConfig(**_SIZES),
    "electra": ElectraConfig(**_SIZES, embedding_size=16),
    # One type of text, which it is not told, and positions that begin after that of padding.
    "roberta": RobertaConfig(**_SIZES, type_vocab_size=1, pad_token_id=1),
    "three labels": BertConfig(**_SIZES, num_labels=3),
}


def model(config: PretrainedConfig) -> PreTrainedModel:
    """Return a classifier with random weights, large enough that its logits differ from text to text."""
    torch.manual_seed(0)
    made = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
    for name, weight in made.named_parameters():
        if weight.ndim == 2 and "embeddings" not in name:
            torch.nn.init.normal_(weight, std=0.15)
    return made


def write_archive(folder: Path, labels: Sequence[str]) -> None:
    """Write what an optimised archive holds, with random weights."""
    trained = folder.with_name(f"{folder.name} trained")
    tiny_model.write_classifier(trained, labels)
    shutil.copytree(inference_code_dir(), trained / "code", ignore=shutil.ignore_patterns("__pycache__"))
    folder.mkdir()
    build(trained, folder)
