import json
from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from model_quality import model_quality
from rows import Row
from served_model import Prediction

LABELS = ["부정", "긍정"]
_RANDOM = np.random.default_rng(0)
_SCORES = _RANDOM.uniform(size=500)
POSITIVE = _SCORES.tolist()
ACTUAL = [LABELS[int(is_positive)] for is_positive in _SCORES + _RANDOM.normal(0, 0.3, 500) > 0.5]
PREDICTIONS = [Prediction({LABELS[int(score > 0.5)]: max(score, 1 - score)}) for score in POSITIVE]
PREDICTED = [prediction.labels[0] for prediction in PREDICTIONS]


def rows(labels: Sequence[str]) -> list[Row]:
    return [Row("영화", (label,)) for label in labels]


def test_two_labels_are_told_in_the_form_of_binary_classification() -> None:
    """Every figure of AWS's example but those of the best constant classifier."""
    (figures,) = model_quality(rows(ACTUAL), PREDICTIONS, LABELS).values()
    assert set(figures) == {
        "confusion_matrix",
        "accuracy",
        "recall",
        "precision",
        "true_positive_rate",
        "true_negative_rate",
        "false_positive_rate",
        "false_negative_rate",
        "receiver_operating_characteristic_curve",
        "precision_recall_curve",
        "auc",
        "f0_5",
        "f1",
        "f2",
    }
    assert set(figures["f1"]) == {"value", "standard_deviation"}


def test_the_second_label_is_the_positive_one() -> None:
    figures = model_quality(rows(ACTUAL), PREDICTIONS, LABELS)["binary_classification_metrics"]
    for name, score in {"precision": precision_score, "recall": recall_score, "f1": f1_score}.items():
        assert figures[name]["value"] == pytest.approx(score(ACTUAL, PREDICTED, pos_label="긍정"))
    assert figures["true_negative_rate"]["value"] == pytest.approx(
        recall_score(ACTUAL, PREDICTED, pos_label="부정")
    )


def test_the_area_under_the_curve_is_of_the_positive_labels_probability() -> None:
    figures = model_quality(rows(ACTUAL), PREDICTIONS, LABELS)["binary_classification_metrics"]
    assert figures["auc"]["value"] == pytest.approx(
        roc_auc_score([label == "긍정" for label in ACTUAL], POSITIVE)
    )


def test_a_curve_goes_from_one_corner_to_the_other_in_few_points() -> None:
    figures = model_quality(rows(ACTUAL), PREDICTIONS, LABELS)["binary_classification_metrics"]
    curve = figures["receiver_operating_characteristic_curve"]
    false_positive, true_positive = curve["false_positive_rates"], curve["true_positive_rates"]
    assert (false_positive[0], true_positive[0]) == (0, 0)
    assert (false_positive[-1], true_positive[-1]) == (1, 1)
    assert len(false_positive) == len(true_positive) == 101


def test_a_standard_deviation_is_that_of_other_test_sets_of_the_size() -> None:
    accuracy = model_quality(rows(ACTUAL), PREDICTIONS, LABELS)["binary_classification_metrics"]["accuracy"]
    expected = (accuracy["value"] * (1 - accuracy["value"]) / 500) ** 0.5
    assert accuracy["standard_deviation"] == pytest.approx(expected, rel=0.1)


def test_more_labels_are_weighted_by_their_rows() -> None:
    labels = ["부정", "보통", "긍정"]
    actual = [label if index % 5 else "보통" for index, label in enumerate(ACTUAL)]
    figures = model_quality(rows(actual), PREDICTIONS, labels)["multiclass_classification_metrics"]
    for name, score in {"precision": precision_score, "recall": recall_score, "f1": f1_score}.items():
        expected = score(actual, PREDICTED, average="weighted", zero_division=0)
        assert figures[f"weighted_{name}"]["value"] == pytest.approx(expected)


def test_the_confusion_matrix_is_by_name_the_actual_label_first() -> None:
    predictions = [Prediction({label: 0.9}) for label in ("긍정", "긍정", "부정")]
    (figures,) = model_quality(rows(["부정", "긍정", "부정"]), predictions, LABELS).values()
    assert figures["confusion_matrix"] == {"부정": {"부정": 1, "긍정": 1}, "긍정": {"부정": 0, "긍정": 1}}


def test_a_test_set_of_one_label_has_no_curve_and_is_json_none_the_less() -> None:
    quality = model_quality(rows(["긍정"]), [Prediction({"긍정": 0.9})], LABELS)
    assert "auc" not in quality["binary_classification_metrics"]
    assert json.dumps(quality, allow_nan=False)


def test_several_labels_a_text_are_told_in_the_form_of_more_labels_without_a_confusion_matrix() -> None:
    labels = ["연기", "이야기", "음악"]
    actual, predicted = (_RANDOM.integers(0, 2, (300, 3)) for _ in range(2))
    texts = [Row("영화", tuple(labels[at] for at in np.flatnonzero(row)), multi_label=True) for row in actual]
    predictions = [
        Prediction(dict(zip(labels, (0.1 + 0.8 * row).tolist(), strict=True)), multi_label=True)
        for row in predicted
    ]
    figures = model_quality(texts, predictions, labels)["multiclass_classification_metrics"]
    assert "confusion_matrix" not in figures
    assert figures["accuracy"]["value"] == pytest.approx(accuracy_score(actual, predicted))
    for name, score in {"precision": precision_score, "recall": recall_score, "f1": f1_score}.items():
        expected = score(actual, predicted, average="weighted")
        assert figures[f"weighted_{name}"]["value"] == pytest.approx(expected)
