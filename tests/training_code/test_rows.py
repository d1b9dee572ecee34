from pathlib import Path

import pytest

from contract import UserError
from rows import Row, read_jsonl, read_tsv, write_jsonl

NAMES = ["negative", "positive"]


def read(path: Path, text: str | bytes) -> list[Row]:
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return list(read_tsv(path, "document", "label", NAMES))


@pytest.fixture
def tsv(tmp_path: Path) -> Path:
    return tmp_path / "reviews.tsv"


def test_a_label_becomes_its_name(tsv: Path) -> None:
    rows = read(tsv, "id\tdocument\tlabel\n1\t좋다\t1\n2\t싫다\t0\n")
    assert rows == [Row("좋다", "positive"), Row("싫다", "negative")]


@pytest.mark.parametrize("text", ["\ufeffdocument\tlabel\r\n좋다\t1\r\n", "label\tdocument\n1\t좋다"])
def test_files_from_spreadsheets_are_read(tsv: Path, text: str) -> None:
    assert read(tsv, text) == [Row("좋다", "positive")]


def test_only_a_line_feed_ends_a_row(tsv: Path) -> None:
    assert read(tsv, "document\tlabel\n좋\u2028다\r!\t1\n") == [Row("좋\u2028다\r!", "positive")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"""말이 """"돼?"""" 싶다"""', '말이 "돼?" 싶다'),
        ('"""""""최고"""" 라는데"""', '"최고" 라는데'),
        ('"그는 ""아니""라고 했다"', '그는 "아니"라고 했다'),
        ('"최고"', '"최고"'),
        ('"좋다" 와 "싫다"', '"좋다" 와 "싫다"'),
        ('"', '"'),
    ],
)
def test_a_text_quoted_as_csv_is_unquoted(tsv: Path, written: str, meant: str) -> None:
    assert read(tsv, f"document\tlabel\n{written}\t1\n") == [Row(meant, "positive")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\ttext\tlabel\n", r"reviews.tsv, line 1: there is no column 'document' among id, text, label"),
        ("document\tlabel\n좋다\n", r"reviews.tsv, line 2: 1 fields instead of 2 \(document, label\)"),
        (
            "document\tlabel\n좋다\t1\n싫다\t2\n",
            r"line 3: label '2' is none of 0 \(negative\), 1 \(positive\)",
        ),
        ("document\tlabel\n좋다\t\n", r"line 2: label '' is none of"),
        ("document\tlabel\n좋다\t01\n", r"line 2: label '01' is none of"),
        ("document\tlabel\n좋다\t" + "1" * 5000 + "\n", r"line 2: label '1{40}' is none of"),
        ("document\tlabel\n좋다\t1\n\n", r"line 3: the line is blank; remove it"),
        ("label\tdocument\tlabel\n", r"line 1: there is more than one column 'label' among label, document"),
        ("", r"line 1: there is no column 'document'"),
        ("document\tlabel\n좋다\t-1\n", r"line 2: label '-1' is none of"),
        (
            "document\tlabel\n좋다\t1\n".encode("cp949"),
            r"line 2: not UTF-8 at byte 0 of the line; save .* CP949",
        ),
    ],
)
def test_a_wrong_file_fails_naming_the_line(tsv: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tsv, text)


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
