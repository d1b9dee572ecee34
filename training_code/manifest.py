"""The manifest of prepared data: what went in, what came out, and by which code."""

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypedDict

from contract import inference_code_dir
from records import File, Record

# Fine enough to see a shift of short reviews, few enough to draw.
_EDGES = (5, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000, 2000)


class Bin(TypedDict):
    """Texts with at most `up_to` characters, and more than the bin before; None: all longer ones."""

    up_to: int | None
    rows: int


class Lengths(TypedDict):
    """Of the normalised texts, in characters; of a pair, of both together."""

    mean: float
    median: int
    p95: int
    longest: int
    histogram: list[Bin]


class Summary(TypedDict):
    """What is in a split."""

    rows: int
    labels: dict[str, int]
    """How many rows have it."""
    label_shares: dict[str, float]
    """The same, of all rows; where a text may have several labels, they do not add up to 1."""
    lengths: Lengths


class Split(Summary):
    """One of train, validation and test."""

    sha256: str
    """Of its file."""


class CheckResult(TypedDict):
    """What was measured for a limit."""

    rule: str
    value: float
    limit: float


class Manifest(TypedDict):
    """All of it."""

    fingerprint: str
    """Of the splits and the code: where it is the same, a model would learn the same."""
    normalisation_version: str
    code_sha256: str
    """Of the scripts and of the handlers."""
    arguments: dict[str, Any]
    label_names: list[str]
    files: list[File]
    splits: dict[str, Split]
    dropped: dict[str, dict[str, int]]
    """Side → reason → rows."""
    checks: list[CheckResult]


def summarise(records: Sequence[Record], label_names: Sequence[str]) -> Summary:
    """Return what is in a split that has rows."""
    labels = Counter(label for record in records for label in record.labels)
    return {
        "rows": len(records),
        "labels": {name: labels[name] for name in label_names},
        "label_shares": {name: labels[name] / len(records) for name in label_names},
        "lengths": _lengths(sorted(len(record.whole) for record in records)),
    }


def _lengths(ordered: Sequence[int]) -> Lengths:
    up_to = [*(bisect_right(ordered, edge) for edge in _EDGES), len(ordered)]
    return {
        "mean": sum(ordered) / len(ordered),
        "median": ordered[len(ordered) // 2],
        "p95": ordered[len(ordered) * 95 // 100],
        "longest": ordered[-1],
        "histogram": [
            {"up_to": edge, "rows": high - low}
            for edge, (low, high) in zip((*_EDGES, None), pairwise((0, *up_to)), strict=True)
        ],
    }


def fingerprint(splits: Mapping[str, Split], code: str) -> str:
    """Return one word for the rows of every split and the code."""
    digests = [f"{name} {splits[name]['sha256']}" for name in sorted(splits)]
    return hashlib.sha256("\n".join([*digests, code]).encode()).hexdigest()


def code_sha256() -> str:
    """Return a digest of the names and the bytes of the code that makes and serves a model.

    It is the same in the repository and in a job.
    """
    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for prefix, folder in (("", here), ("inference_code/", inference_code_dir())):
        for path in sorted(folder.glob("*.py")) + sorted(folder.glob("*-requirements.txt")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{prefix}{path.name} {content}\n".encode())
    return digest.hexdigest()
