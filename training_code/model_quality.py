"""The metrics in the form that SageMaker's model registry shows beside a model package.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from metrics import confusion, outcomes, rates, resample
from rows import Row
from served_model import Prediction
from task import MULTI_LABEL, problem_type

# Of a curve: more are not seen.
_POINTS = 101
_BETAS = {"f0_5": 0.5, "f1": 1, "f2": 2}


def model_quality(
    rows: Sequence[Row], predictions: Sequence[Prediction], labels: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the statistics; of two labels, the second is the positive one.

    There is no form for several labels a text: what the one for more than two labels can hold is given in it,
    the confusion matrix, which is of one label, left out.
    """
    found = outcomes([row.labels for row in rows], [one.labels for one in predictions], labels)
    now, draws = rates(found, found.rows[np.newaxis]), rates(found, resample(found.rows))
    by_label = {
        "recall": (now.recall, draws.recall),
        "precision": (now.precision, draws.precision),
        **{name: (now.f(beta), draws.f(beta)) for name, beta in _BETAS.items()},
    }
    figures: dict[str, Any] = {"accuracy": _figure(now.accuracy, draws.accuracy)}
    multi_label = problem_type(rows) == MULTI_LABEL
    if not multi_label:
        figures["confusion_matrix"] = _confusion(rows, predictions, labels)
    if multi_label or len(labels) > 2:
        support = found.rows @ found.actual
        weights = support / support.sum()
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
    figures |= _curves(rows, predictions, labels[1])
    return {"binary_classification_metrics": figures}


def _figure(value: NDArray[np.float64], draws: NDArray[np.float64]) -> dict[str, float]:
    return {"value": float(value[0]), "standard_deviation": float(draws.std())}


def _confusion(
    rows: Sequence[Row], predictions: Sequence[Prediction], labels: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Actual label → predicted label → rows."""
    matrix = confusion([row.label for row in rows], [one.labels[0] for one in predictions], labels)
    return {
        label: dict(zip(labels, counts, strict=True)) for label, counts in zip(labels, matrix, strict=True)
    }


def _curves(rows: Sequence[Row], predictions: Sequence[Prediction], positive: str) -> dict[str, Any]:
    is_positive = [row.label == positive for row in rows]
    if len(set(is_positive)) < 2:
        return {}  # There is no such curve where one of the two labels has no rows.
    scores = [one.scores.get(positive, 1 - one.score) for one in predictions]
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
