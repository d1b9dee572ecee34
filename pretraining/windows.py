"""Texts as token ids, packed into windows of one width, and kept on disk so that it is done once."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from contract import UserError
from pretraining.texts import read_lines, sha256
from pretraining.tokenizer import CLS, PAD, SEP
from progress import watched

Windows = NDArray[np.uint16]
"""(n, width) token ids: whole texts, each from its [CLS] to its [SEP], then padding."""

_TEXTS_AT_ONCE = 20_000


def encode(texts: Iterable[str], tokenizer: Tokenizer) -> Iterator[list[int]]:
    """Yield each text's token ids, without special tokens, with all cores at work."""
    texts = iter(texts)
    while batch := list(islice(texts, _TEXTS_AT_ONCE)):
        for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
            yield encoding.ids


def pack(texts: Iterable[list[int]], width: int) -> Windows:
    """Return the texts in as few windows as best fit needs; a text longer than a window is cut into several.

    Raises:
        UserError: there are no texts.
    """
    windows: list[array[int]] = []
    # Numbers of the windows that have so many places left.
    with_room: list[list[int]] = [[] for _ in range(width + 1)]
    for ids in texts:
        for start in range(0, len(ids), width - 2):
            part = array("H", [CLS, *ids[start : start + width - 2], SEP])
            room = next((room for room in range(len(part), width) if with_room[room]), width)
            if room < width:
                number = with_room[room].pop()
                windows[number] += part
            else:
                number = len(windows)
                windows.append(part)
            with_room[room - len(part)].append(number)
    if not windows:
        raise UserError("there is no text to learn from: give files with one text a line")
    packed = np.full((len(windows), width), PAD, np.uint16)
    for row, window in zip(packed, windows, strict=True):
        row[: len(window)] = window
    return packed


def load(path: Path, tokenizer_file: Path, width: int, cache: Path) -> Windows:
    """Return the windows of a text file, mapped from `cache`, where they are written the first time.

    Raises:
        UserError: the file cannot be read, or holds no text.
    """
    key = hashlib.sha256(f"{sha256(path)} {sha256(tokenizer_file)} {width}".encode()).hexdigest()
    kept = cache / f"{key[:16]}.npy"
    if not kept.is_file():
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        lines = watched(read_lines(path), f"[windows] {path.name}")
        windows = pack(encode(lines, tokenizer), width)
        cache.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, windows)
        partial.replace(kept)
    mapped: Windows = np.load(kept, mmap_mode="r")
    tokens = int((mapped != PAD).sum())
    print(
        f"[windows] {path.name}: {tokens:,} tokens in {len(mapped):,} windows of {width}, "
        f"{tokens / mapped.size:.1%} full",
        flush=True,
    )
    return mapped
