from pathlib import Path

import pytest

from contract import UserError
from pretraining.corpus import labelled_texts, main, select


def test_texts_are_normalised_as_for_serving() -> None:
    assert list(select(["  재밌다\u200b   ㅋㅋ ", "가나"], [])) == ["재밌다 ㅋㅋ", "가나"]


def test_a_text_is_taken_once_and_an_empty_one_never() -> None:
    assert list(select(["좋다", "", " ", "좋다 ", "나쁘다"], [])) == ["좋다", "나쁘다"]


@pytest.mark.parametrize("written", ["좋은 영화", "좋은영화", '"좋은 영화"', "좋은  영화\u200b"])
def test_a_tested_text_is_left_out_however_it_is_spaced_or_quoted(written: str) -> None:
    assert list(select([written, "다른 영화"], ["좋은 영화"])) == ["다른 영화"]


def test_a_longer_text_that_holds_a_tested_one_stays() -> None:
    assert list(select(["좋은 영화였다"], ["좋은 영화"])) == ["좋은 영화였다"]


def test_texts_to_leave_out_are_read_as_prepare_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "ratings_test.txt"
    path.write_text('id\tdocument\tlabel\n1\t"그는 ""아니"" 했다"\t0\n', encoding="utf-8")
    assert list(labelled_texts(path)) == ['그는 "아니" 했다']


def test_a_file_to_leave_out_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ratings_test.txt"
    path.write_text("id\ttext\tlabel\n1\t좋다\t0\n", encoding="utf-8")
    with pytest.raises(UserError, match="document"):
        list(labelled_texts(path))


def test_a_missing_file_to_leave_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.txt does not exist"):
        list(labelled_texts(tmp_path / "none.txt"))


def test_the_command_writes_the_first_rows_that_stay(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("좋다\n나쁘다\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("좋다\n길다\n짧다\n", encoding="utf-8")
    (tmp_path / "test.tsv").write_text("id\tdocument\tlabel\n1\t나쁘다\t0\n", encoding="utf-8")
    output = tmp_path / "out.txt"
    command = ["--texts", str(tmp_path / "a.txt"), str(tmp_path / "b.txt"), "--output", str(output)]
    main([*command, "--exclude", str(tmp_path / "test.tsv"), "--rows", "2"])
    assert output.read_text(encoding="utf-8") == "좋다\n길다\n"


def test_no_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="rows 0 must be above 0"):
        main(["--texts", "a.txt", "--output", str(tmp_path / "out.txt"), "--rows", "0"])
