"""Which rows a step learns from, and the tensors that the model gets of them, hardly padded."""

from collections.abc import Iterator

import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from encoding import Encoded, Integers

# Rows of this many steps are sorted by length among themselves, so that those of a step are alike. The more
# there are, the less is padded, and the less is left to chance: of few rows, a quarter is sorted at a time.
# As transformers does: https://github.com/huggingface/transformers/blob/v4.49.0/src/transformers/trainer_pt_utils.py
_STEPS_SORTED = 50
_TIMES_SORTED = 4


def order(lengths: Integers, size: int, seed: int, epoch: int) -> list[Integers]:
    """Return the rows of each step of an epoch: of `size` rows each, but for the last.

    It depends on nothing but the arguments, so that a training that goes on takes the very steps that are
    left, on however many processes.
    """
    chance = np.random.default_rng([seed, epoch])
    shuffled = chance.permutation(len(lengths))
    sorted_steps = max(1, min(_STEPS_SORTED, len(lengths) // (size * _TIMES_SORTED)))
    steps: list[Integers] = []
    for start in range(0, len(shuffled), size * sorted_steps):
        some = shuffled[start : start + size * sorted_steps]
        some = some[np.argsort(lengths[some], kind="stable")]
        steps += [some[at : at + size] for at in range(0, len(some), size)]
    # The one that may have fewer rows stays the last: it would weigh as much as the others.
    *whole, last = steps
    chance.shuffle(whole)
    return [*whole, last]


def shares(step: Integers, processes: int, accumulated: int) -> Iterator[list[Integers]]:
    """Divide a step's rows into batches: yields `accumulated` times one for each process.

    The processes get rows of like length, and as many, so that none waits for another. Where there are fewer
    rows than batches, some are empty.
    """
    for part in np.array_split(step, accumulated):
        yield [part[process::processes] for process in range(processes)]


class Inputs:
    """The rows on the device, from which batches are made there: a step copies its rows' numbers, no more."""

    def __init__(
        self,
        encoded: Encoded,
        config: PretrainedConfig,
        tokenizer: PreTrainedTokenizerBase,
        device: torch.device,
    ) -> None:
        """Copy the tokens to the device."""
        self.lengths = encoded.lengths
        self._ids = torch.from_numpy(encoded.ids).to(device)
        self._starts = torch.from_numpy(encoded.ends - encoded.lengths).to(device)
        self._lengths = torch.from_numpy(encoded.lengths).to(device)
        self._second = torch.from_numpy(encoded.second).to(device)
        self._labels = torch.from_numpy(encoded.labels).to(device)
        self._device = device
        self._pad_id = tokenizer.pad_token_id or 0
        # As when it is served: not every version of a tokenizer says so.
        self._has_types = getattr(config, "type_vocab_size", 1) > 1
        # A GPU's matrix units take eight rows at a time.
        # https://docs.nvidia.com/deeplearning/performance/dl-performance-matrix-multiplication
        self._multiple = 8 if device.type == "cuda" else 1

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lengths)

    def batch(self, rows: Integers) -> dict[str, torch.Tensor]:
        """Return what the model takes of these rows, and their `labels`, padded to the longest of them."""
        width = -(-int(self.lengths[rows].max()) // self._multiple) * self._multiple
        index = torch.from_numpy(rows).to(self._device, non_blocking=True)
        place = torch.arange(width, device=self._device)
        inside = place < self._lengths[index, None]
        found = self._ids[(self._starts[index, None] + place).clamp_(max=len(self._ids) - 1)]
        inputs = {
            "input_ids": torch.where(inside, found, self._pad_id).long(),
            "attention_mask": inside.long(),
            "labels": self._labels[index],
        }
        if self._has_types:
            inputs["token_type_ids"] = (inside & (place >= self._second[index, None])).long()
        return inputs

    def in_order_of_length(self, size: int) -> Iterator[Integers]:
        """Yield all rows, at most `size` at a time, each with others of its length."""
        rows = np.argsort(self.lengths, kind="stable")
        yield from (rows[start : start + size] for start in range(0, len(rows), size))
