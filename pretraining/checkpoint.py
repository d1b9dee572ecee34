"""What pre-training leaves behind: checkpoints on the way, at the end a folder as Hugging Face has it."""

import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import safetensors.torch
import tokenizers
import torch
import transformers

from contract import UserError
from pretraining.electra import Discriminator, Shape
from pretraining.tokenizer import PAD

MAX_BYTES = 10_000_000
"""Of the whole folder: it lives in a git repository."""


def machine() -> dict[str, Any]:
    """Return what a report names of where it was made: the device, and the versions of the libraries."""
    return {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "tokenizers": tokenizers.__version__,
            "transformers": transformers.__version__,
        },
    }


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint, which is whole or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def restore(path: Path, run: dict[str, Any], device: torch.device) -> dict[str, Any] | None:
    """Return what `save` wrote, or None if there is nothing; `run` is what its "run" must be.

    Raises:
        UserError: the checkpoint is another run's.
    """
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    if state["run"] != run:
        differing = sorted(name for name in run if state["run"].get(name) != run[name])
        raise UserError(
            f"{path} is of a run with another {', '.join(differing)}: remove it, or give another output"
        )
    return state


def export(
    discriminator: Discriminator, shape: Shape, tokenizer: Path, report: dict[str, Any], folder: Path
) -> None:
    """Write an ElectraForPreTraining in half precision, with its tokenizer and `report` as pretraining.json.

    The files do not depend on the version of transformers that is installed: 4 and 5 load them.

    Raises:
        UserError: a weight is beyond half precision, or the folder is larger than MAX_BYTES.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.half().cpu() for name, tensor in discriminator.state_dict().items()}
    if lost := [name for name, tensor in weights.items() if not tensor.isfinite().all()]:
        raise UserError(f"half precision does not hold {', '.join(lost)}: the training has diverged")
    # As bytes: save_file() makes a file that its owner alone may read.
    (folder / "model.safetensors").write_bytes(safetensors.torch.save(weights, metadata={"format": "pt"}))
    config = {
        "architectures": ["ElectraForPreTraining"],
        "model_type": "electra",
        "vocab_size": shape.vocabulary,
        "embedding_size": shape.embedding,
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.intermediate,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
        "pad_token_id": PAD,
        "torch_dtype": "float16",
    }
    for name, content in (("config.json", config), ("pretraining.json", report)):
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    for path in sorted(tokenizer.iterdir()):
        shutil.copyfile(path, folder / path.name)
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size > MAX_BYTES:
        raise UserError(f"{folder} has {size:,} bytes, more than {MAX_BYTES:,}: take a smaller shape")
