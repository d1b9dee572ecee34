"""The checkpoint that training starts from, and the model folder that it ends with."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from contract import UserError, inference_code_dir
from hyperparameters import Arguments


def load(
    arguments: Arguments, folder: Path | None, labels: Sequence[str], problem_type: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, str]:
    """Return the base checkpoint with a head for `labels`, its tokenizer, and where they came from.

    Raises:
        UserError: there is no such checkpoint, or max_seq_length is more than it takes.
    """
    if folder and not (folder / "config.json").is_file():
        raise UserError(
            f"the model channel ({folder}) has no config.json at its top: it must be a checkpoint's folder"
        )
    base = str(folder) if folder else arguments.model_name_or_path
    source: dict[str, Any] = {"local_files_only": True} if folder else {"revision": arguments.model_revision}
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, **source)
        config = AutoConfig.from_pretrained(base, **source)
        # transformers 5 makes one up where there is none.
        if len(tokenizer) <= len(tokenizer.all_special_tokens):
            raise OSError("it has no tokenizer")
    except OSError as error:
        raise UserError(
            f"cannot load a checkpoint from {base}: {str(error).splitlines()[0]}; "
            "give another model_name_or_path or model_revision, or a model channel"
        ) from error
    longest = min(tokenizer.model_max_length, config.max_position_embeddings)
    if arguments.max_seq_length > longest:
        raise UserError(
            f"max_seq_length {arguments.max_seq_length} is more than {base} takes: at most {longest}"
        )
    loaded = AutoModelForSequenceClassification.from_pretrained(
        base,
        **source,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        problem_type=problem_type,
        # Weights may be kept in half precision; the optimiser's must not be.
        torch_dtype=torch.float32,
    )
    # transformers 5 saves a model that it loaded with names that it does not read back
    # (LayerNorm.gamma), and one that was made here with the model's own.
    model = type(loaded)(loaded.config)
    model.load_state_dict(loaded.state_dict())
    return model, tokenizer, "model channel" if folder else f"{base}@{arguments.model_revision}"


def save(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_seq_length: int, folder: Path
) -> None:
    """Write what becomes the model archive: weights, tokenizer, and the code that serves them."""
    model.save_pretrained(folder)
    # What the model was trained with is what it is served with; and what the tokenizer did here (cut, pad) is
    # no property of it: https://github.com/huggingface/tokenizers/issues/1322
    tokenizer.model_max_length = max_seq_length
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.no_padding()
        tokenizer.backend_tokenizer.no_truncation()
    tokenizer.save_pretrained(folder)
    code = folder / "code"
    code.mkdir(exist_ok=True)
    for path in sorted(inference_code_dir().iterdir()):
        if path.is_file():
            shutil.copyfile(path, code / path.name)
