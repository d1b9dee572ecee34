"""How good predictions are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from significance import Interval, accuracy_interval

_DRAWS = 1000


class ClassMetrics(TypedDict):
    """Of one class; support is how many rows truly are of it."""

    precision: float
    recall: float
    f1: float
    support: int


class Metrics(TypedDict):
    """Of all rows; the intervals are at 95 %."""

    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    classes: dict[str, ClassMetrics]


@dataclass(frozen=True)
class Rates:
    """Of n confusion matrices; what would be divided by 0 is 0."""

    accuracy: NDArray[np.float64]
    """Shape (n,)."""
    precision: NDArray[np.float64]
    """Shape (n, labels)."""
    recall: NDArray[np.float64]
    """Shape (n, labels)."""

    def f(self, beta: float = 1) -> NDArray[np.float64]:
        """Return the F-measure, in which recall counts `beta` times as much as precision: (n, labels)."""
        weight = beta**2
        return _ratio((1 + weight) * self.precision * self.recall, weight * self.precision + self.recall)


def measure(actual: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Metrics:
    """Return the metrics; a class that was never predicted has precision 0."""
    matrix = np.array(confusion(actual, predicted, labels))
    of, of_draws = rates(matrix[np.newaxis]), rates(resample(matrix))
    low, high = np.quantile(of_draws.f().mean(axis=1), [0.025, 0.975])
    columns = zip(labels, of.precision[0], of.recall[0], of.f()[0], matrix.sum(axis=1), strict=True)
    return {
        "accuracy": float(of.accuracy[0]),
        "accuracy_interval": accuracy_interval(int(matrix.trace()), len(actual)),
        "macro_f1": float(of.f().mean()),
        "macro_f1_interval": (float(low), float(high)),
        "classes": {
            label: {
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "support": int(support),
            }
            for label, precision, recall, f1, support in columns
        },
    }


def confusion(actual: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    """Return the counts: a row for each actual label, a column for each predicted one."""
    matrix: Any = confusion_matrix(actual, predicted, labels=labels)
    counts: list[list[int]] = matrix.tolist()
    return counts


def rates(matrices: NDArray[np.int64]) -> Rates:
    """Return the rates of confusion matrices, of shape (n, actual, predicted)."""
    right = matrices.diagonal(axis1=1, axis2=2)
    return Rates(
        accuracy=right.sum(axis=1) / matrices.sum(axis=(1, 2)),
        precision=_ratio(right, matrices.sum(axis=1)),
        recall=_ratio(right, matrices.sum(axis=2)),
    )


def resample(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the matrices of a thousand test sets drawn, with replacement, from the rows of `matrix`.

    How a rate varies among them is how it varies by the choice of rows. The same matrix gives the same.
    """
    rows = matrix.sum()
    drawn = np.random.default_rng(0).multinomial(rows, matrix.ravel() / rows, size=_DRAWS)
    return drawn.reshape(_DRAWS, *matrix.shape)


def _ratio(part: NDArray[Any], of: NDArray[Any]) -> NDArray[np.float64]:
    ratio = np.zeros(part.shape)
    np.divide(part, of, out=ratio, where=of != 0)
    return ratio
