"""How good predictions are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix
from sklearn.preprocessing import MultiLabelBinarizer

from significance import Interval, accuracy_interval

_DRAWS = 1000

Labels = Sequence[str]
"""Of one row."""


class ClassMetrics(TypedDict):
    """Of one class; support is how many rows truly are of it."""

    precision: float
    recall: float
    f1: float
    support: int


class Metrics(TypedDict):
    """Of all rows; the intervals are at 95 %."""

    accuracy: float
    """Rows whose labels are all there, and no other."""
    accuracy_interval: Interval
    micro_f1: float
    """Of all labels of all rows together; where a row has one label, it is the accuracy."""
    macro_f1: float
    """Mean over the labels."""
    macro_f1_interval: Interval
    classes: dict[str, ClassMetrics]


@dataclass(frozen=True)
class Outcomes:
    """What rows are, and what was said of them: each combination once."""

    actual: NDArray[np.bool_]
    """Whether it has a label, shape (combinations, labels)."""
    predicted: NDArray[np.bool_]
    """Whether it was said to have it."""
    rows: NDArray[np.int64]
    """How many rows are so, shape (combinations,)."""


@dataclass(frozen=True)
class Rates:
    """Of n sets of rows; what would be divided by 0 is 0."""

    accuracy: NDArray[np.float64]
    """Shape (n,)."""
    micro_f1: NDArray[np.float64]
    """Shape (n,)."""
    precision: NDArray[np.float64]
    """Shape (n, labels)."""
    recall: NDArray[np.float64]
    """Shape (n, labels)."""

    def f(self, beta: float = 1) -> NDArray[np.float64]:
        """Return the F-measure, in which recall counts `beta` times as much as precision: (n, labels)."""
        weight = beta**2
        return _ratio((1 + weight) * self.precision * self.recall, weight * self.precision + self.recall)


def measure(actual: Sequence[Labels], predicted: Sequence[Labels], labels: Sequence[str]) -> Metrics:
    """Return the metrics of rows with these labels; a class that was never predicted has precision 0."""
    found = outcomes(actual, predicted, labels)
    of, of_draws = rates(found, found.rows[np.newaxis]), rates(found, resample(found.rows))
    low, high = np.quantile(of_draws.f().mean(axis=1), [0.025, 0.975])
    support = found.rows @ found.actual
    right = found.rows[(found.actual == found.predicted).all(axis=1)].sum()
    columns = zip(labels, of.precision[0], of.recall[0], of.f()[0], support, strict=True)
    return {
        "accuracy": float(of.accuracy[0]),
        "accuracy_interval": accuracy_interval(int(right), len(actual)),
        "micro_f1": float(of.micro_f1[0]),
        "macro_f1": float(of.f().mean()),
        "macro_f1_interval": (float(low), float(high)),
        "classes": {
            label: {
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "support": int(rows),
            }
            for label, precision, recall, f1, rows in columns
        },
    }


def confusion(actual: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    """Return the counts: a row for each actual label, a column for each predicted one."""
    matrix: Any = confusion_matrix(actual, predicted, labels=labels)
    counts: list[list[int]] = matrix.tolist()
    return counts


def outcomes(actual: Sequence[Labels], predicted: Sequence[Labels], labels: Sequence[str]) -> Outcomes:
    """Return what stands in the rows, of which each has none, one or several of the labels."""
    binarizer = MultiLabelBinarizer(classes=labels)
    both = np.hstack([binarizer.fit_transform(actual), binarizer.transform(predicted)]).astype(bool)
    combinations, rows = np.unique(both, axis=0, return_counts=True)
    return Outcomes(combinations[:, : len(labels)], combinations[:, len(labels) :], rows)


def rates(of: Outcomes, rows: NDArray[np.int64]) -> Rates:
    """Return the rates of n sets that have so many rows, (n, combinations), of each combination."""
    right = (of.actual == of.predicted).all(axis=1)
    found, said, there = rows @ (of.actual & of.predicted), rows @ of.predicted, rows @ of.actual
    return Rates(
        accuracy=rows @ right / rows.sum(axis=1),
        micro_f1=_ratio(2 * found.sum(axis=1), (said + there).sum(axis=1)),
        precision=_ratio(found, said),
        recall=_ratio(found, there),
    )


def resample(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many rows of each combination a thousand test sets have, drawn with replacement.

    How a rate varies among them is how it varies by the choice of rows. The same rows give the same.
    """
    total = rows.sum()
    return np.random.default_rng(0).multinomial(total, rows / total, size=_DRAWS)


def _ratio(part: NDArray[Any], of: NDArray[Any]) -> NDArray[np.float64]:
    ratio = np.zeros(part.shape)
    np.divide(part, of, out=ratio, where=of != 0)
    return ratio
