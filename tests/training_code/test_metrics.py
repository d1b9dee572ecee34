import pytest

from metrics import confusion, measure

ACTUAL = ["a", "a", "a", "b"]
PREDICTED = ["a", "a", "b", "b"]


def test_metrics_are_those_of_the_textbook() -> None:
    metrics = measure(ACTUAL, PREDICTED, ["a", "b"])
    assert metrics["accuracy"] == 0.75
    assert metrics["classes"]["a"] == pytest.approx(
        {"precision": 1, "recall": 2 / 3, "f1": 0.8, "support": 3}
    )
    assert metrics["classes"]["b"] == pytest.approx(
        {"precision": 0.5, "recall": 1, "f1": 2 / 3, "support": 1}
    )
    assert metrics["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)


def test_a_label_that_is_never_predicted_counts_as_zero() -> None:
    metrics = measure(["a", "b"], ["a", "a"], ["a", "b"])
    assert metrics["classes"]["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}


def test_a_confusion_matrix_has_a_row_for_each_actual_label() -> None:
    assert confusion(ACTUAL, PREDICTED, ["b", "a"]) == [[1, 0], [1, 2]]
