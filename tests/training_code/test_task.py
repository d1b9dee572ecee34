import pytest
from transformers import BertConfig

from rows import Row
from task import MULTI_LABEL, SINGLE_LABEL, label_names, problem_type, told


def test_the_kind_of_the_task_is_that_of_the_rows() -> None:
    assert problem_type([Row("좋다", ("긍정",))]) == SINGLE_LABEL
    assert problem_type([Row("좋다", ("긍정",), multi_label=True)]) == MULTI_LABEL


@pytest.mark.parametrize("name", [MULTI_LABEL, SINGLE_LABEL])
def test_transformers_knows_the_kinds_by_these_names(name: str) -> None:
    """It refuses others."""
    assert BertConfig(problem_type=name).problem_type == name


def test_the_labels_are_all_that_occur_sorted() -> None:
    rows = [Row("가", ("다", "나"), multi_label=True), Row("나", (), multi_label=True)]
    assert label_names([*rows, Row("다", ("가",), multi_label=True)]) == ["가", "나", "다"]


def test_no_label_is_told_as_such() -> None:
    assert [told(["연기", "음악"]), told([])] == ["연기, 음악", "no label"]
