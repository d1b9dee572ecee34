"""How good predictions are."""

from collections.abc import Sequence
from typing import Any, TypedDict

from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support


class ClassMetrics(TypedDict):
    """Of one class; support is how many rows truly are of it."""

    precision: float
    recall: float
    f1: float
    support: int


class Metrics(TypedDict):
    """Of all rows."""

    accuracy: float
    macro_f1: float
    classes: dict[str, ClassMetrics]


def measure(actual: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Metrics:
    """Return the metrics; a class that was never predicted has precision 0."""
    columns = precision_recall_fscore_support(actual, predicted, labels=labels, zero_division=0)
    classes: dict[str, ClassMetrics] = {
        label: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for label, precision, recall, f1, support in zip(labels, *columns, strict=True)
    }
    return {
        "accuracy": float(accuracy_score(actual, predicted)),
        "macro_f1": sum(values["f1"] for values in classes.values()) / len(classes),
        "classes": classes,
    }


def confusion(actual: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    """Return the counts: a row for each actual label, a column for each predicted one."""
    matrix: Any = confusion_matrix(actual, predicted, labels=labels)
    counts: list[list[int]] = matrix.tolist()
    return counts
