import csv
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

import sources
from contract import UserError
from problems import Problems
from sources import Columns, Raw

COLUMNS = Columns("document", "label")
ROWS = [("좋다, 정말 \u2028!", "1"), ('그는 "아니"라고 했다', "0")]


def read(path: Path, content: str | bytes, columns: Columns = COLUMNS) -> list[Raw]:
    """What the file holds.

    Raises:
        UserError: with what is wrong in it.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    problems = Problems()
    rows = list(sources.read(path, data, f"train/{path.name}", columns, problems))
    problems.raise_if_any()
    return rows


def parquet(**columns: list[Any]) -> bytes:
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def write_tsv(path: Path) -> None:
    path.write_text("".join("\t".join(row) + "\n" for row in [COLUMNS.names, *ROWS]), encoding="utf-8")


def write_csv(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS.names, *ROWS])


def write_jsonl(path: Path) -> None:
    lines = [json.dumps(dict(zip(COLUMNS.names, row, strict=True)), ensure_ascii=False) for row in ROWS]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_parquet(path: Path) -> None:
    path.write_bytes(
        parquet(document=[text for text, _ in ROWS], label=[label for _, label in ROWS], id=[1, 2])
    )


@pytest.mark.parametrize("write", [write_tsv, write_csv, write_jsonl, write_parquet])
def test_every_format_gives_the_same_rows(tmp_path: Path, write: Any) -> None:
    path = tmp_path / f"리뷰.{write.__name__.removeprefix('write_').upper()}"
    write(path)
    assert [(row.text, row.label) for row in read(path, path.read_bytes())] == ROWS


@pytest.mark.parametrize(
    ("name", "content", "numbers"),
    [
        ("a.tsv", "document\tlabel\n\n좋다\t1\n싫다\t0", [3, 4]),
        ("a.csv", 'document,label\n"두\n줄",1\n\n싫다,0\n', [2, 5]),
        ("a.jsonl", '\n{"document": "좋다", "label": "1"}\n', [2]),
        ("a.parquet", parquet(document=["좋다", "싫다"], label=[1, 0]), [1, 2]),
    ],
)
def test_a_row_has_the_number_of_its_line(name: str, content: str | bytes, numbers: list[int]) -> None:
    assert [row.number for row in read(Path(name), content)] == numbers


@pytest.mark.parametrize("text", ["\ufeffdocument\tlabel\r\n좋다\t1\r\n", "label\tdocument\n1\t좋다"])
def test_files_from_spreadsheets_are_read(text: str) -> None:
    assert read(Path("a.tsv"), text) == [Raw(2, "좋다", "1")]


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
def test_a_text_that_was_quoted_on_its_way_into_a_tsv_is_unquoted(written: str, meant: str) -> None:
    assert read(Path("a.tsv"), f"document\tlabel\n{written}\t1\n") == [Raw(2, meant, "1")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "label\tpremise\thypothesis\n0\t비가 온다\t맑다\n"),
        ("a.csv", "label,premise,hypothesis\n0,비가 온다,맑다\n"),
        ("a.jsonl", '{"label": "0", "premise": "비가 온다", "hypothesis": "맑다"}\n'),
        ("a.parquet", parquet(label=["0"], premise=["비가 온다"], hypothesis=["맑다"])),
    ],
)
def test_every_format_gives_the_second_text_after_the_label(name: str, content: str | bytes) -> None:
    (row,) = read(Path(name), content, Columns("premise", "label", "hypothesis"))
    assert (row.text, row.label, row.text_pair) == ("비가 온다", "0", "맑다")


def test_a_second_text_that_is_not_there_is_named_by_its_setting() -> None:
    with pytest.raises(UserError) as raised:
        read(Path("a.tsv"), "document\tlabel\n", Columns("document", "label", "가설"))
    assert "'document' (text_column) and 'label' (label_column) and '가설' (text_pair_column)" in str(
        raised.value
    )
    assert "train/a.tsv:1: no '가설' among document, label" in str(raised.value)


WRONG: list[tuple[str, str | bytes, str]] = [
    ("a.tsv", "id\ttext\tlabel\n", "train/a.tsv:1: no 'document' among id, text, label"),
    (
        "a.tsv",
        "label\tdocument\tlabel\n",
        "train/a.tsv:1: more than one 'label' among label, document, label",
    ),
    ("a.tsv", "", "train/a.tsv:1: no 'document'"),
    ("a.tsv", "document\tlabel\n좋다\n", "train/a.tsv:2: 1 instead of 2"),
    ("a.tsv", "document\tlabel\n좋다\t1\n".encode("cp949"), "train/a.tsv:2: byte 1 of the line"),
    ("a.csv", "document;label\n좋다;1\n", "train/a.csv:1: no 'document' among document;label"),
    ("a.csv", "document,label\n좋다,참,1\n", "train/a.csv:2: 3 instead of 2"),
    ("a.csv", 'document,label\n"좋다,1\n', "train/a.csv:2: unexpected end of data"),
    ("a.csv", "document,label\n좋다,1\n".encode("utf-16"), "train/a.csv:1: byte 1 of the line"),
    ("a.jsonl", '{"document": "좋다"}\n', 'train/a.jsonl:1: {"document": "좋다"}'),
    ("a.jsonl", '["좋다", 1]\n', 'train/a.jsonl:1: ["좋다", 1]'),
    ("a.jsonl", "좋다\n", "train/a.jsonl:1: 좋다"),
    ("a.jsonl", "[" * 100_000, "train/a.jsonl:1: [[["),
    ("a.parquet", parquet(text=["좋다"], label=[1]), "train/a.parquet:1: no 'document' among text, label"),
    ("a.parquet", b"PAR1", "train/a.parquet:1: Parquet file size is 4 bytes"),
]


@pytest.mark.parametrize(("name", "content", "message"), WRONG)
def test_what_cannot_be_read_is_named_by_file_and_line(name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(UserError) as raised:
        read(Path(name), content)
    assert str(raised.value).splitlines()[1].startswith(f"  {message}")


def test_parquet_without_pyarrow_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UserError, match=r"a\.parquet: pyarrow reads Parquet, .* set data\.parquet"):
        read(Path("a.parquet"), parquet(document=["좋다"], label=[1]))


def test_files_in_folders_are_found_and_what_tools_leave_is_not(tmp_path: Path) -> None:
    for name in ("2026/b.csv", "2026/_SUCCESS", "2026/.b.csv.crc", "_temporary/c.csv", "a.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sources.find(tmp_path) == [tmp_path / "2026" / "b.csv", tmp_path / "a.tsv"]


def test_a_file_of_another_format_is_not_passed_over(tmp_path: Path) -> None:
    for name in ("a.tsv", "b.xlsx"):
        (tmp_path / name).touch()
    with pytest.raises(
        UserError, match=rf"(?s)must end in .tsv, .csv, .jsonl or .parquet;.*{tmp_path.name}/b.xlsx"
    ):
        sources.find(tmp_path)


def test_a_folder_without_a_file_fails_naming_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"there is no file in {tmp_path}"):
        sources.find(tmp_path / "train")
