import json
from collections.abc import Sequence

import pytest

from evaluation import Answers, Evaluation, assess
from rows import Row
from served_model import Prediction
from task import MULTI_LABEL

LABELS = ["부정", "긍정"]
ROWS = [
    Row(f"{index} 번째 영화" + ("ㅋㅋ" if index < 100 else ""), (LABELS[index % 2],)) for index in range(400)
]


def answers(wrong: Sequence[int], labels: Sequence[str] = LABELS) -> Answers:
    """Of a model that is wrong on these of `ROWS`."""
    predictions = [
        Prediction({LABELS[1 - LABELS.index(row.label)] if index in wrong else row.label: 0.9})
        for index, row in enumerate(ROWS)
    ]
    return Answers(list(labels), predictions, {"one_text_ms": 5.0, "batch_of_64_ms": 90.0})


def of_slice(evaluation: Evaluation, name: str) -> object:
    (found,) = (one["champion"] for one in evaluation["slices"] if one["name"] == name)
    return found


def test_candidate_and_champion_are_measured_alike() -> None:
    evaluation = assess(ROWS, answers(range(10)), answers(range(10)))
    assert evaluation["champion"] == {key: evaluation[key] for key in evaluation["champion"] or ()}  # type: ignore[literal-required]


def test_rows_that_one_model_alone_gets_right_are_counted() -> None:
    test = assess(ROWS, answers(range(0, 20)), answers(range(15, 50)))["mcnemar"]
    assert test is not None
    assert (test["mended"], test["broken"]) == (30, 15)


def test_the_difference_is_the_candidates_accuracy_less_the_champions() -> None:
    difference = assess(ROWS, answers(range(20)), answers(range(12)))["difference"]
    assert difference is not None
    assert difference["accuracy"] == pytest.approx(-0.02)
    assert difference["interval"][0] < -0.02 < difference["interval"][1] < 0


def test_without_a_champion_nothing_is_compared() -> None:
    evaluation = assess(ROWS, answers([]), None)
    compared = [evaluation["champion"], evaluation["difference"], evaluation["mcnemar"]]
    assert not any([*compared, *(one["champion"] for one in evaluation["slices"])])


def test_a_slice_is_of_its_rows_alone() -> None:
    evaluation = assess(ROWS, answers(range(90, 110)), answers([]))
    (slang,) = (one for one in evaluation["slices"] if one["name"] == "slang")
    assert (slang["rows"], slang["accuracy"]) == (100, 0.9)


def test_a_slice_without_rows_is_left_out() -> None:
    assert "long" not in [one["name"] for one in assess(ROWS, answers([]), None)["slices"]]


def test_a_small_difference_on_a_slice_may_be_chance() -> None:
    evaluation = assess(ROWS, answers(range(8)), answers([]))
    assert of_slice(evaluation, "slang") == {
        "accuracy": 1.0,
        "p": pytest.approx(2 / 2**8),
        "beyond_chance": False,
    }


def test_a_greater_one_is_beyond_chance() -> None:
    evaluation = assess(ROWS, answers(range(9)), answers([]))
    assert of_slice(evaluation, "slang") == {
        "accuracy": 1.0,
        "p": pytest.approx(2 / 2**9),
        "beyond_chance": True,
    }


def test_the_order_of_the_champions_labels_does_not_matter() -> None:
    evaluation = assess(ROWS, answers(range(5)), answers(range(9), labels=LABELS[::-1]))
    champion = evaluation["champion"]
    assert champion is not None
    assert champion["classes"]["부정"]["recall"] == pytest.approx(195 / 200)


def test_what_the_state_machine_reads_is_far_below_its_limit() -> None:
    """A state of Step Functions holds 256 KiB, in which the file is a JSON string."""
    written = json.dumps(assess(ROWS, answers(range(200)), answers(range(300))), indent=2)
    assert len(json.dumps(written)) < 256 * 1024 / 10


SEVERAL = [
    Row("연기와 음악이 좋다", ("연기", "음악"), multi_label=True),
    Row("이야기가 좋다", ("이야기",), multi_label=True),
    Row("봤다", (), multi_label=True),
]


def said(*scores: tuple[float, float, float]) -> Answers:
    """Of a model that gives the three labels these probabilities, row by row."""
    labels = ["연기", "이야기", "음악"]
    predictions = [Prediction(dict(zip(labels, of, strict=True)), multi_label=True) for of in scores]
    return Answers(labels, predictions, {"one_text_ms": 5.0, "batch_of_64_ms": 90.0})


RIGHT = [(0.9, 0.1, 0.9), (0.1, 0.9, 0.1), (0.1, 0.1, 0.1)]


def test_a_text_with_one_label_of_two_is_not_right() -> None:
    evaluation = assess(SEVERAL, said((0.9, 0.1, 0.4), *RIGHT[1:]), said(*RIGHT))
    assert evaluation["problem_type"] == MULTI_LABEL
    assert evaluation["accuracy"] == pytest.approx(2 / 3)
    assert evaluation["classes"]["음악"]["recall"] == 0
    assert evaluation["micro_f1"] == pytest.approx(2 * 2 / (2 + 3))
    test = evaluation["mcnemar"]
    assert test is not None
    assert (test["mended"], test["broken"]) == (0, 1)


def test_calibration_of_several_labels_is_of_each_whether_it_is_there_or_not() -> None:
    calibration = assess(SEVERAL, said((0.9, 0.1, 0.4), *RIGHT[1:]), None)["calibration"]
    assert [(one["rows"], one["accuracy"]) for one in calibration["bins"]] == [(1, 0), (8, 1)]
    assert calibration["brier"] == pytest.approx((8 * 0.1**2 + 0.6**2) / 9)


def test_a_slice_of_pairs_is_by_both_texts() -> None:
    rows = [Row("비가 온다", ("긍정",), "10도다"), Row("비가 온다", ("부정",), "춥다")]
    answers = Answers(LABELS, [Prediction({"긍정": 0.9})] * 2, {"one_text_ms": 5.0, "batch_of_64_ms": 90.0})
    (digits,) = (one for one in assess(rows, answers, None)["slices"] if one["name"] == "digits")
    assert (digits["rows"], digits["accuracy"]) == (1, 1)
