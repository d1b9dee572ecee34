"""The metrics in the form that SageMaker's model registry shows beside a model package.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from metrics import confusion, rates, resample
from served_model import Prediction

# Of a curve: more are not seen.
_POINTS = 101
_BETAS = {"f0_5": 0.5, "f1": 1, "f2": 2}


def model_quality(
    actual: Sequence[str], predictions: Sequence[Prediction], labels: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the statistics; of two labels, the second is the positive one."""
    matrix = np.array(confusion(actual, [prediction.label for prediction in predictions], labels))
    now, draws = rates(matrix[np.newaxis]), rates(resample(matrix))
    by_label = {
        "recall": (now.recall, draws.recall),
        "precision": (now.precision, draws.precision),
        **{name: (now.f(beta), draws.f(beta)) for name, beta in _BETAS.items()},
    }
    counts = {
        label: dict(zip(labels, row, strict=True)) for label, row in zip(labels, matrix.tolist(), strict=True)
    }
    figures: dict[str, Any] = {"confusion_matrix": counts, "accuracy": _figure(now.accuracy, draws.accuracy)}
    if len(labels) > 2:
        weights = matrix.sum(axis=1) / matrix.sum()
        for name, (value, drawn) in by_label.items():
            figures[f"weighted_{name}"] = _figure(value @ weights, drawn @ weights)
        return {"multiclass_classification_metrics": figures}
    for name, (value, drawn) in by_label.items():
        figures[name] = _figure(value[:, 1], drawn[:, 1])
    for label, right, wrong in (
        (1, "true_positive", "false_negative"),
        (0, "true_negative", "false_positive"),
    ):
        recall, drawn = now.recall[:, label], draws.recall[:, label]
        figures[f"{right}_rate"] = _figure(recall, drawn)
        figures[f"{wrong}_rate"] = _figure(1 - recall, drawn)
    figures |= _curves(actual, predictions, labels[1])
    return {"binary_classification_metrics": figures}


def _figure(value: NDArray[np.float64], draws: NDArray[np.float64]) -> dict[str, float]:
    return {"value": float(value[0]), "standard_deviation": float(draws.std())}


def _curves(actual: Sequence[str], predictions: Sequence[Prediction], positive: str) -> dict[str, Any]:
    is_positive = [label == positive for label in actual]
    if len(set(is_positive)) < 2:
        return {}  # There is no such curve where one of the two labels has no rows.
    scores = [one.score if one.label == positive else 1 - one.score for one in predictions]
    false_positive, true_positive, _ = roc_curve(is_positive, scores)
    precision, recall, _ = precision_recall_curve(is_positive, scores)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": _thinned(false_positive),
            "true_positive_rates": _thinned(true_positive),
        },
        "precision_recall_curve": {"precisions": _thinned(precision), "recalls": _thinned(recall)},
        "auc": {"value": float(roc_auc_score(is_positive, scores)), "standard_deviation": "NaN"},
    }


def _thinned(points: NDArray[np.float64]) -> list[float]:
    chosen = np.linspace(0, len(points) - 1, min(_POINTS, len(points))).astype(int)
    values: list[float] = points[chosen].tolist()
    return values
