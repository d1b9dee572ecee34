"""Whether a model is as sure as it is right: of texts on which it says 90 %, nine in ten should be right.

It is about the label that a model answers with and that label's probability, as that is what it serves; where
a text may have several labels, about each of them, and whether the model says that it is there.
With two labels the Brier score is therefore the usual one, and so it is with several a text.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

_BINS = 20


class Bin(TypedDict):
    """The rows whose probability lies between low and high; confidence is its mean."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


class Calibration(TypedDict):
    """Of one model."""

    ece: float
    """Expected calibration error: the gap between confidence and accuracy of a bin, averaged over rows."""
    brier: float
    """Mean square of probability less being right (1 or 0): 0 is best, 0.25 is what saying 50 % gets."""
    bins: list[Bin]
    """Those that have rows, by probability."""


def calibrate(scores: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Return the calibration of answers with these probabilities, in bins of five points each."""
    score, is_right = np.array(scores, dtype=np.float64), np.array(right, dtype=np.float64)
    # 1.0 belongs to the last bin, not to one of its own.
    place = np.minimum((score * _BINS).astype(np.int64), _BINS - 1)
    bins: list[Bin] = []
    for index in np.unique(place):
        chosen = place == index
        bins.append(
            {
                "low": float(index / _BINS),
                "high": float((index + 1) / _BINS),
                "rows": int(chosen.sum()),
                "confidence": float(score[chosen].mean()),
                "accuracy": float(is_right[chosen].mean()),
            }
        )
    gaps = [one["rows"] * abs(one["confidence"] - one["accuracy"]) for one in bins]
    return {"ece": sum(gaps) / len(scores), "brier": float(np.mean((score - is_right) ** 2)), "bins": bins}
