import unicodedata
from typing import Any

import pytest

from form import Form, RowError
from sources import Columns

COLUMNS = Columns("text", "label")
GIVEN = {"1": "연기", "2": "이야기", "3": "음악"}


def form(names: dict[str, str], separator: str | None = None) -> Form:
    return Form(COLUMNS, names, 100, separator)


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ("1", ("연기",)),
        ("3|1", ("연기", "음악")),
        (" 3 | 1 ", ("연기", "음악")),
        ("1|1", ("연기",)),
        ("", ()),
        ("  ", ()),
        (None, ()),
        (2, ("이야기",)),
        ([3, "1"], ("연기", "음악")),
        ([], ()),
    ],
)
def test_with_a_separator_a_row_has_the_labels_that_stand_between(
    written: Any, labels: tuple[str, ...]
) -> None:
    assert form(GIVEN, "|").labels(written) == labels


@pytest.mark.parametrize("written", ["1|4", "1||3", "1|", ["1", None], [["1"]]])
def test_each_of_several_labels_must_be_known(written: Any) -> None:
    with pytest.raises(RowError, match="unknown label: it must be one of 1"):
        form(GIVEN, "|").labels(written)


@pytest.mark.parametrize("names", [GIVEN, {}])
def test_a_list_without_a_separator_is_refused_with_the_setting_that_takes_it(names: dict[str, str]) -> None:
    with pytest.raises(RowError, match=r"'label' must hold one label; .* set label_separator"):
        form(names).labels(["1"])


@pytest.mark.parametrize("written", ["긍정", "3", True, 0.5])
def test_without_names_the_name_is_what_stands_there(written: Any) -> None:
    assert form({}).labels(written) == (str(written).lower() if written is True else str(written),)


@pytest.mark.parametrize("names", [{}, {"긍정": "긍정"}], ids=["of the files", "given"])
def test_a_label_that_was_typed_on_macos_is_the_same_label(names: dict[str, str]) -> None:
    assert form(names).labels(unicodedata.normalize("NFD", "긍정")) == ("긍정",)


@pytest.mark.parametrize("written", ["", None, " 긍정", "긍정 ", "긍\n정", "가" * 61])
def test_what_can_be_no_name_is_refused_with_what_it_must_be(written: Any) -> None:
    with pytest.raises(RowError, match="'label' must hold the label's name, 1 to 60 characters"):
        form({}).labels(written)


def test_names_without_a_list_stand_between_the_separators() -> None:
    assert form({}, ", ").labels("음악, 연기") == ("연기", "음악")
