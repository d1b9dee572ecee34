"""Rows as the model takes them: tokenised once, in parallel, and not padded."""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from huggingface_hub import cached_assets_path
from transformers import PreTrainedTokenizerBase

from progress import watched
from rows import Row

Integers = npt.NDArray[np.int64]

# Tokens of one call: enough for every core, and soon enough over to say how far it is.
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Encoded:
    """The rows' tokens, one row after the other, without padding."""

    ids: npt.NDArray[np.int32]
    """Of all rows: shape (tokens,)."""
    ends: Integers
    """Where in `ids` each row ends: shape (rows,)."""
    second: npt.NDArray[np.int32]
    """How many tokens of each row come before those of its second text: shape (rows,)."""
    labels: npt.NDArray[np.float32] | Integers
    """The label's index, shape (rows,); of a multi-label task 0 or 1, shape (rows, labels)."""

    @property
    def lengths(self) -> Integers:
        """Tokens of each row."""
        return np.diff(self.ends, prepend=0)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.ends)


def encode(
    rows: Sequence[Row], label2id: dict[str, int], tokenizer: PreTrainedTokenizerBase, max_seq_length: int
) -> Encoded:
    """Return the rows cut to `max_seq_length` tokens; of texts that were seen before, from the cache."""
    kept = _cache_file(rows, tokenizer, max_seq_length)
    try:
        with np.load(kept) as arrays:
            ids, ends, second = arrays["ids"], arrays["ends"], arrays["second"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        ids, ends, second = _tokenise(rows, tokenizer, max_seq_length)
        _keep(kept, ids, ends, second)
    return Encoded(ids, ends, second, _labels(rows, label2id))


def _labels(rows: Sequence[Row], label2id: dict[str, int]) -> npt.NDArray[np.float32] | Integers:
    if not rows[0].multi_label:
        return np.array([label2id[row.label] for row in rows], dtype=np.int64)
    labels = np.zeros((len(rows), len(label2id)), dtype=np.float32)
    for index, row in enumerate(rows):
        labels[index, [label2id[label] for label in row.labels]] = 1
    return labels


def _tokenise(
    rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_seq_length: int
) -> tuple[npt.NDArray[np.int32], Integers, npt.NDArray[np.int32]]:
    ids, ends, second = [], [], []
    chunks = [rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE)]
    for chunk in watched(chunks, f"[setup] tokenising, by {_ROWS_AT_ONCE:,} rows"):
        # A text that stands alone is no pair with an empty one.
        pairs = [row.text_pair for row in chunk] if chunk[0].text_pair is not None else None
        encoded = tokenizer(
            [row.text for row in chunk],
            pairs,
            truncation=True,
            max_length=max_seq_length,
            return_attention_mask=False,
            return_token_type_ids=True,
        )
        for tokens, types in zip(encoded["input_ids"], encoded["token_type_ids"], strict=True):
            ids.append(np.array(tokens, dtype=np.int32))
            second.append(len(types) - sum(types))
        ends += [len(tokens) for tokens in encoded["input_ids"]]
    return np.concatenate(ids), np.cumsum(ends, dtype=np.int64), np.array(second, dtype=np.int32)


def _cache_file(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_seq_length: int) -> Path:
    """Name the file after all that the tokens depend on."""
    digest = hashlib.sha256(f"{max_seq_length}\n{type(tokenizer).__name__}\n".encode())
    digest.update(_whole(tokenizer).encode())
    for row in rows:
        digest.update(f"\n{row.text}\x00{'' if row.text_pair is None else row.text_pair}".encode())
    # https://huggingface.co/docs/huggingface_hub/guides/manage-cache#caching-assets
    folder = cached_assets_path(library_name="nunchi", namespace="tokens")
    return Path(folder, f"{digest.hexdigest()}.npz")


def _whole(tokenizer: PreTrainedTokenizerBase) -> str:
    if not tokenizer.is_fast:
        return repr(tokenizer.get_vocab())
    # It remembers how it cut and padded the last time.
    parts = json.loads(tokenizer.backend_tokenizer.to_str()) | {"padding": None, "truncation": None}
    return json.dumps(parts)


def _keep(file: Path, ids: npt.NDArray[np.int32], ends: Integers, second: npt.NDArray[np.int32]) -> None:
    # Another process may read it, or write the same.
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as written:
        np.savez(written, ids=ids, ends=ends, second=second)
    Path(written.name).replace(file)
