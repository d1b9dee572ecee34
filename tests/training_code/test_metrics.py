import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, fbeta_score, precision_recall_fscore_support

from metrics import confusion, measure, outcomes, rates, resample

ACTUAL = [("a",), ("a",), ("a",), ("b",)]
PREDICTED = [("a",), ("a",), ("b",), ("b",)]


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


def test_metrics_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    labels = ["부정", "보통", "긍정"]
    actual, predicted = ([labels[index] for index in random.integers(0, 3, 200)] for _ in range(2))
    classes = measure([(one,) for one in actual], [(one,) for one in predicted], labels)["classes"].values()
    ours = [[one["precision"], one["recall"], one["f1"], one["support"]] for one in classes]
    theirs = precision_recall_fscore_support(actual, predicted, labels=labels)
    np.testing.assert_allclose(np.array(ours).T, theirs)


@pytest.mark.parametrize("beta", [0.5, 2])
def test_the_f_measure_weighs_recall_as_scikit_learn_does(beta: float) -> None:
    found = outcomes(ACTUAL, PREDICTED, ["a", "b"])
    of = rates(found, found.rows[np.newaxis])
    actual, predicted = ([label for (label,) in labels] for labels in (ACTUAL, PREDICTED))
    assert of.f(beta)[0] == pytest.approx(fbeta_score(actual, predicted, beta=beta, average=None))


def test_a_label_that_is_never_predicted_counts_as_zero() -> None:
    metrics = measure([("a",), ("b",)], [("a",), ("a",)], ["a", "b"])
    assert metrics["classes"]["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}


def test_an_interval_holds_its_figure_and_narrows_as_rows_are_added() -> None:
    few, many = (measure(ACTUAL * times, PREDICTED * times, ["a", "b"]) for times in (25, 2500))
    for metrics in (few, many):
        assert metrics["accuracy_interval"][0] < 0.75 < metrics["accuracy_interval"][1]
        assert metrics["macro_f1_interval"][0] < metrics["macro_f1"] < metrics["macro_f1_interval"][1]
    assert np.diff(few["accuracy_interval"]) == pytest.approx(
        10 * np.diff(many["accuracy_interval"]), rel=0.1
    )
    assert np.diff(few["macro_f1_interval"]) == pytest.approx(
        10 * np.diff(many["macro_f1_interval"]), rel=0.1
    )


def test_drawn_test_sets_have_the_rows_of_the_real_one_and_vary_as_chance_does() -> None:
    found = outcomes([("a",)] * 50 + [("b",)] * 50, [("a",)] * 40 + [("b",)] * 60, ["a", "b"])
    drawn = resample(found.rows)
    assert set(drawn.sum(axis=1)) == {100}
    assert rates(found, drawn).accuracy.std() == pytest.approx((0.9 * 0.1 / 100) ** 0.5, rel=0.1)


def test_a_confusion_matrix_has_a_row_for_each_actual_label() -> None:
    assert confusion(["a", "a", "a", "b"], ["a", "a", "b", "b"], ["b", "a"]) == [[1, 0], [1, 2]]


def test_metrics_of_several_labels_a_row_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    labels = ["연기", "이야기", "음악"]
    actual, predicted = (random.integers(0, 2, (200, 3)) for _ in range(2))
    named = [[[labels[at] for at in np.flatnonzero(row)] for row in rows] for rows in (actual, predicted)]
    ours = measure(named[0], named[1], labels)
    classes = [
        [one["precision"], one["recall"], one["f1"], one["support"]] for one in ours["classes"].values()
    ]
    np.testing.assert_allclose(np.array(classes).T, precision_recall_fscore_support(actual, predicted))
    assert ours["accuracy"] == accuracy_score(actual, predicted)
    assert ours["micro_f1"] == pytest.approx(f1_score(actual, predicted, average="micro"))
    assert ours["macro_f1"] == pytest.approx(f1_score(actual, predicted, average="macro"))


def test_of_one_label_a_row_micro_f1_is_the_accuracy() -> None:
    assert measure(ACTUAL, PREDICTED, ["a", "b"])["micro_f1"] == 0.75
