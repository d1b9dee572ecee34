"""How much of a figure is chance: intervals at 95 %, and a test for two models on the same rows."""

import math
from typing import TypedDict

from scipy.stats import binomtest

# Of a standard normal: 95 % lie between -Z and Z.
_Z = 1.959964

Interval = tuple[float, float]
"""Lower and upper end."""


class McNemar(TypedDict):
    """Two models on the same rows, of which only those count that exactly one of them gets right."""

    statistic: float
    """Chi-squared, corrected for continuity, as textbooks have it; p does not come from it."""
    p: float
    """How likely so uneven a split is, or a more uneven one, when the models are equally good: the exact
    test's, which holds for three rows and for thousands."""
    mended: int
    """Rows that only the candidate gets right."""
    broken: int
    """Rows that only the champion gets right."""


def mcnemar(mended: int, broken: int) -> McNemar:
    """Return the test; where no row tells the models apart, p is 1."""
    apart = mended + broken
    return {
        "statistic": max(0, abs(mended - broken) - 1) ** 2 / apart if apart else 0.0,
        "p": float(binomtest(mended, apart).pvalue) if apart else 1.0,
        "mended": mended,
        "broken": broken,
    }


def accuracy_interval(right: int, rows: int) -> Interval:
    """Return Wilson's interval of an accuracy; `rows` is above 0."""
    found = binomtest(right, rows).proportion_ci(confidence_level=0.95, method="wilson")
    return float(found.low), float(found.high)


def difference_interval(mended: int, broken: int, rows: int) -> Interval:
    """Return the interval of the candidate's accuracy less the champion's, on the same rows.

    Agresti and Min's, which holds for few rows too: https://doi.org/10.1002/sim.1781
    """
    only_candidate, only_champion, of = mended + 0.5, broken + 0.5, rows + 2
    middle = (only_candidate - only_champion) / of
    spread = math.sqrt(only_candidate + only_champion - (only_candidate - only_champion) ** 2 / of) / of
    return max(-1.0, middle - _Z * spread), min(1.0, middle + _Z * spread)
