from pathlib import Path

import pytest

from contract import UserError
from rows import Row, read_jsonl, write_jsonl


def test_json_lines_keep_korean_readable_and_come_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.jsonl"
    rows = [Row('좋다 "ㅋㅋ" \u2028', ("긍정",)), Row("OST 👍", ("negative",))]
    write_jsonl(path, rows)
    assert "좋다" in path.read_text(encoding="utf-8")
    assert read_jsonl(path) == rows


@pytest.mark.parametrize(
    "line",
    [
        "좋다",
        '{"text": "좋다"}',
        '{"text": 1, "label": "a"}',
        "[]",
        '{"text": null',
        '{"text": "좋다", "labels": "a"}',
        '{"text": "좋다", "labels": [1]}',
        '{"text": "좋다", "label": ["a"]}',
        '{"text": "좋다", "label": "a", "labels": []}',
        '{"text": "좋다", "label": "a", "text_pair": null}',
        '{"text": "좋다", "label": "a", "id": "1"}',
    ],
)
def test_a_wrong_json_line_fails_naming_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "label": "b"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"rows\.jsonl, line 2: not "):
        read_jsonl(path)


def test_no_rows_and_no_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with pytest.raises(UserError, match=r"rows\.jsonl does not exist"):
        read_jsonl(path)
    path.touch()
    with pytest.raises(UserError, match=r"rows\.jsonl has no rows"):
        read_jsonl(path)


PAIR = Row("비가 온다", ("entailment",), "날씨가 궂다")
SEVERAL = [Row("연기와 음악이 좋다", ("연기", "음악"), multi_label=True), Row("봤다", (), multi_label=True)]


@pytest.mark.parametrize("rows", [[PAIR], SEVERAL], ids=["pairs", "several labels"])
def test_pairs_and_several_labels_come_back_the_same(tmp_path: Path, rows: list[Row]) -> None:
    write_jsonl(tmp_path / "rows.jsonl", rows)
    assert read_jsonl(tmp_path / "rows.jsonl") == rows


def test_rows_are_written_by_these_keys(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [PAIR, SEVERAL[0]])
    assert path.read_text(encoding="utf-8") == (
        '{"text": "비가 온다", "text_pair": "날씨가 궂다", "label": "entailment"}\n'
        '{"text": "연기와 음악이 좋다", "labels": ["연기", "음악"]}\n'
    )


@pytest.mark.parametrize(
    ("other", "has"), [(PAIR, "label and text_pair"), (SEVERAL[1], "labels")], ids=["pair", "several labels"]
)
def test_a_file_of_two_kinds_fails_naming_the_line(tmp_path: Path, other: Row, has: str) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [Row("좋다", ("긍정",)), Row("싫다", ("부정",)), other])
    with pytest.raises(UserError, match=rf"rows\.jsonl, line 3: it has {has}, and line 1 has label; a file"):
        read_jsonl(path)


@pytest.mark.parametrize("labels", [(), ("연기", "음악")])
def test_a_row_of_single_labels_has_one(labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="has one label, not"):
        Row("봤다", labels)


def test_a_row_of_several_labels_has_no_single_one() -> None:
    with pytest.raises(ValueError, match="it has labels, not a label"):
        _ = SEVERAL[0].label
