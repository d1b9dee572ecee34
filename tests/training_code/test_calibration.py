import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from calibration import calibrate


def test_a_bin_tells_how_sure_and_how_right_its_rows_are() -> None:
    calibration = calibrate([0.92, 0.94, 0.61, 0.93], [True, False, True, True])
    assert calibration["bins"] == [
        pytest.approx({"low": 0.6, "high": 0.65, "rows": 1, "confidence": 0.61, "accuracy": 1}),
        pytest.approx({"low": 0.9, "high": 0.95, "rows": 3, "confidence": 0.93, "accuracy": 2 / 3}),
    ]


def test_the_calibration_error_is_the_gap_averaged_over_rows() -> None:
    calibration = calibrate([0.9] * 10 + [0.6] * 30, [True] * 5 + [False] * 5 + [True] * 18 + [False] * 12)
    assert calibration["ece"] == pytest.approx(0.25 * 0.4 + 0.75 * 0)


def test_a_model_that_is_as_sure_as_it_is_right_has_no_error() -> None:
    scores = np.random.default_rng(0).uniform(0.5, 1, 200_000)
    right = np.random.default_rng(1).uniform(size=200_000) < scores
    assert calibrate(scores.tolist(), right.tolist())["ece"] < 0.005


def test_a_score_of_one_lies_in_the_last_bin() -> None:
    (only,) = calibrate([1.0, 0.96], [True, True])["bins"]
    assert (only["low"], only["high"], only["rows"]) == (0.95, 1.0, 2)


def test_with_two_labels_the_brier_score_is_the_usual_one() -> None:
    is_positive = [1, 0, 1, 0]
    positive_score = [0.9, 0.2, 0.3, 0.6]
    scores = [max(score, 1 - score) for score in positive_score]
    right = [(score > 0.5) == bool(actual) for score, actual in zip(positive_score, is_positive, strict=True)]
    brier = calibrate(scores, right)["brier"]
    assert brier == pytest.approx(brier_score_loss(is_positive, positive_score))
