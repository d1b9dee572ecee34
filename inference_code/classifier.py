"""Texts in, probabilities out, whichever library computes them."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, groupby
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from refusals import RequestError
from texts import Text

# Of the texts whose tokens are made at once: the tokenizer's own record of them is large.
_CHARACTERS = 100_000

_SHORTEN = "shorten it, or leave truncation on to have it cut"

Scores = NDArray[np.float64]
"""The probability of each label, by the label's id."""

_Tokens = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The ids and the type ids of a text."""


class Runtime(Protocol):
    """What computes a model: ONNX Runtime or PyTorch."""

    @property
    def input_names(self) -> frozenset[str]:
        """What the model takes of input_ids, attention_mask and token_type_ids."""
        ...

    @property
    def batch_tokens(self) -> int:
        """Tokens of a batch that run fastest, padding included; memory stays that of such a batch."""
        ...

    @property
    def at_once(self) -> int:
        """Batches that run fastest side by side, each in a thread of its own."""
        ...

    def logits(self, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return (batch, labels) for `input_names`, each (batch, tokens)."""
        ...


class Classifier:
    """A model with its tokenizer and its labels."""

    def __init__(self, model_dir: Path, runtime: Runtime) -> None:
        """Take the tokenizer and the labels of the extracted archive in `model_dir`.

        Raises:
            OSError: one of its files is missing.
        """
        config = _read_json(model_dir / "config.json")
        if not (model_dir / "tokenizer.json").is_file():
            raise FileNotFoundError(f"{model_dir} has no tokenizer.json: save a fast tokenizer beside it")
        tokenizer = _read_json(model_dir / "tokenizer_config.json")
        self.runtime = runtime
        self.labels: list[str] = [config["id2label"][key] for key in sorted(config["id2label"], key=int)]
        """The labels' names, by id."""
        self.max_length: int = min(tokenizer["model_max_length"], config["max_position_embeddings"])
        """Tokens of a text at most: the length that the model was trained with."""
        self._pad_id: int = config["pad_token_id"]
        self._independent = config.get("problem_type") == "multi_label_classification"
        self._truncation_side: str = tokenizer.get("truncation_side", "right")
        self._tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._lock = Lock()
        # It may have been saved as it was last used.
        self._tokenizer.no_padding()

    def classify(self, texts: Sequence[Text], deadline: float = math.inf) -> list[Scores | RequestError]:
        """Return the scores of each text, in its place, or why it has none.

        Raises:
            RequestError: they are not all done when time.monotonic() is at `deadline`.
        """
        results: dict[int, Scores | RequestError] = {}
        tokens: dict[int, _Tokens] = {}
        for index, found in self._tokens(texts):
            _check_time(deadline)
            if isinstance(found, RequestError):
                results[index] = found
            else:
                tokens[index] = found
        # What is of one length goes together, and is padded little.
        order = sorted(tokens, key=lambda index: len(tokens[index][0]))
        lengths = [len(tokens[index][0]) for index in order]
        # Few texts are shared out, too.
        most = min(
            self.runtime.batch_tokens, math.ceil(len(order) * max(lengths, default=0) / self.runtime.at_once)
        )
        batches = list(_batches(order, lengths, most))

        def run(batch: Sequence[int]) -> Scores:
            _check_time(deadline)
            return self._scores([tokens[index] for index in batch])

        for batch, scores in zip(batches, self._side_by_side(run, batches), strict=True):
            results.update(zip(batch, scores, strict=True))
        return [results[index] for index in range(len(texts))]

    def _side_by_side(
        self, run: Callable[[Sequence[int]], Scores], batches: Sequence[Sequence[int]]
    ) -> Iterable[Scores]:
        if self.runtime.at_once == 1 or len(batches) < 2:
            return map(run, batches)
        with ThreadPoolExecutor(self.runtime.at_once) as pool:
            return list(pool.map(run, batches))

    def _tokens(self, texts: Sequence[Text]) -> Iterator[tuple[int, _Tokens | RequestError]]:
        """Yield what becomes of each text, in any order."""
        alike = defaultdict[tuple[int, bool], list[int]](list)
        for index, text in enumerate(texts):
            length = text.parameters.max_length or self.max_length
            least = self._tokenizer.num_special_tokens_to_add(text.pair is not None) + 1
            if least <= length <= self.max_length:
                alike[length, text.parameters.truncation].append(index)
            else:
                message = f"max_length is {length}; this model takes {least} to {self.max_length}"
                yield index, RequestError(400, "wrong_parameter", message, text.where)
        for (length, truncation), chosen in alike.items():
            for some in _portions(chosen, [texts[index].characters for index in chosen]):
                encodings = self._encode([texts[index].given for index in some], length, truncation)
                for index, encoding in zip(some, encodings, strict=True):
                    if (size := len(encoding.ids)) <= length:
                        yield index, (np.array(encoding.ids), np.array(encoding.type_ids))
                    else:
                        message = f"the text has {size} tokens, more than {length}; {_SHORTEN}"
                        yield index, RequestError(400, "text_too_long", message, texts[index].where)

    def _encode(self, texts: list[str | tuple[str, str]], length: int, truncation: bool) -> list[Encoding]:
        with self._lock:  # truncation is a state of the tokenizer's
            if truncation:
                self._tokenizer.enable_truncation(length, direction=self._truncation_side)
            else:
                self._tokenizer.no_truncation()
            encodings: list[Encoding] = self._tokenizer.encode_batch_fast(texts)
        return encodings

    def _scores(self, batch: Sequence[_Tokens]) -> Scores:
        shape = len(batch), max(len(ids) for ids, _ in batch)
        inputs = {
            "input_ids": np.full(shape, self._pad_id, np.int64),
            "attention_mask": np.zeros(shape, np.int64),
            "token_type_ids": np.zeros(shape, np.int64),
        }
        for row, (ids, types) in enumerate(batch):
            inputs["input_ids"][row, : len(ids)] = ids
            inputs["attention_mask"][row, : len(ids)] = 1
            inputs["token_type_ids"][row, : len(ids)] = types
        logits = self.runtime.logits({name: inputs[name] for name in self.runtime.input_names})
        return _probabilities(logits.astype(np.float64), self._independent)


def _probabilities(logits: NDArray[np.float64], independent: bool) -> Scores:
    if independent:
        return 1 / (1 + np.exp(-logits))
    exponentials: Scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores: Scores = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return scores


def _check_time(deadline: float) -> None:
    if time.monotonic() >= deadline:
        message = "the texts take longer than a request may; send fewer of them, or shorter ones, at a time"
        raise RequestError(413, "too_much_work", message, "body")


def _portions(indices: Sequence[int], characters: Sequence[int]) -> Iterator[list[int]]:
    """Cut what has so many characters each into portions of _CHARACTERS, and what is over by one text."""
    totals = zip(indices, accumulate(characters), strict=True)
    for _, portion in groupby(totals, key=lambda total: total[1] // _CHARACTERS):
        yield [index for index, _ in portion]


def _batches(order: Sequence[int], lengths: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """Cut what is sorted by ascending length into batches of at most so many tokens, or of one text."""
    start = 0
    for end, length in enumerate(lengths):
        if end > start and (end + 1 - start) * length > most:
            yield order[start:end]
            start = end
    if order:
        yield order[start:]


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
