from pathlib import Path

import pytest

from contract import UserError
from rows import Row, read_jsonl, write_jsonl


def test_json_lines_keep_korean_readable_and_come_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.jsonl"
    rows = [Row('좋다 "ㅋㅋ" \u2028', "긍정"), Row("OST 👍", "negative")]
    write_jsonl(path, rows)
    assert "좋다" in path.read_text(encoding="utf-8")
    assert read_jsonl(path) == rows


@pytest.mark.parametrize(
    "line", ["좋다", '{"text": "좋다"}', '{"text": 1, "label": "a"}', "[]", '{"text": null']
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
