from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from contract import UserError
from form import Form
from problems import Problems
from records import Record, read
from sources import Columns

FORM = Form(Columns("document", "label"), {"0": "부정", "1": "긍정", "true": "긍정", "": "모름"}, 50)


def write(folder: Path, *rows: str) -> None:
    (folder / "리뷰.tsv").write_text("\n".join(["document\tlabel", *rows]) + "\n", encoding="utf-8")


def wrong(folder: Path, *rows: str) -> str:
    """What is said of the rows."""
    write(folder, *rows)
    problems = Problems()
    read(folder, FORM, problems)
    with pytest.raises(UserError) as raised:
        problems.raise_if_any()
    return str(raised.value)


@pytest.fixture
def train(tmp_path: Path) -> Path:
    folder = tmp_path / "train"
    folder.mkdir()
    return folder


def test_a_record_is_normalised_named_and_knows_its_place(train: Path) -> None:
    write(train, "재미있다\t1", " 10점  OST\t0")
    records = read(train, FORM, Problems()).records
    assert records == [
        Record("재미있다", ("긍정",), file="train/리뷰.tsv", number=2),
        Record("10점 OST", ("부정",), file="train/리뷰.tsv", number=3),
    ]
    assert records[0].place == "train/리뷰.tsv:2"


def test_rows_without_a_visible_sign_are_counted(train: Path) -> None:
    write(train, "\u200b\t0", "\t1", "좋다\t1")
    side = read(train, FORM, Problems())
    assert (side.empty, len(side.records)) == (2, 1)


def test_a_file_is_described(train: Path) -> None:
    write(train, "좋다\t1", "\t1")
    (file,) = read(train, FORM, Problems()).files
    assert (file["file"], file["rows"], len(file["sha256"])) == ("train/리뷰.tsv", 2, 64)


@pytest.mark.parametrize("label", ["01", "-1", " 1", "1" * 5000])
def test_an_unknown_label_is_named_with_those_that_are_known(train: Path, label: str) -> None:
    message = wrong(train, "좋다\t1", f"싫다\t{label}")
    assert message.startswith("unknown label: it must be one of 0 (부정), 1 (긍정), true (긍정),")
    assert f"\n  train/리뷰.tsv:3: '{label[:40]}'" in message


def test_a_text_that_is_too_long_is_named_with_its_length(train: Path) -> None:
    message = wrong(train, f"{'가' * 50}\t1", f"{'나' * 1051}\t1")
    assert message.startswith("max_text_characters: a text may have 50;")
    assert message.endswith(f"\n  train/리뷰.tsv:3: 1,051: '{'나' * 40}'…")


def test_a_text_that_is_a_number_is_named(train: Path) -> None:
    (train / "a.jsonl").write_text('{"document": 5, "label": 1}\n', encoding="utf-8")
    problems = Problems()
    read(train, FORM, problems)
    with pytest.raises(UserError, match=r"columns: 'document' must hold texts\n  train/a\.jsonl:1: 5"):
        problems.raise_if_any()


@pytest.mark.parametrize(
    "labels",
    [pyarrow.array([1, 0]), pyarrow.array([True, None]), pyarrow.array(["1", "0"]).dictionary_encode()],
)
def test_labels_of_parquet_are_read_as_they_would_be_written(train: Path, labels: Sequence[object]) -> None:
    table = pyarrow.table({"document": ["좋다", None], "label": labels})
    pyarrow.parquet.write_table(table, train / "a.parquet")
    side = read(train, FORM, Problems())
    assert ([record.label for record in side.records], side.empty) == (["긍정"], 1)


def test_the_places_of_all_files_and_rules_are_told_together(train: Path) -> None:
    (train / "0.jsonl").write_text('{"document": "a"}\n', encoding="utf-8")
    message = wrong(train, *("싫다\tx" for _ in range(10)))
    assert message.splitlines()[1:] == [
        '  train/0.jsonl:1: {"document": "a"}',
        "unknown label: it must be one of 0 (부정), 1 (긍정), true (긍정),  (모름); "
        "mend it, or add it to labels",
        *(f"  train/리뷰.tsv:{line}: 'x'" for line in (2, 3, 4)),
        "  and 7 more",
    ]


PAIRS = Form(Columns("document", "label", "second"), {"0": "contradiction", "1": "entailment"}, 50)


def pairs(folder: Path, *rows: str) -> tuple[list[Record], int]:
    lines = ["document\tlabel\tsecond", *rows]
    (folder / "a.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    problems = Problems()
    side = read(folder, PAIRS, problems)
    problems.raise_if_any()
    return side.records, side.empty


def test_both_texts_of_a_pair_are_normalised(train: Path) -> None:
    ((record,), _) = pairs(train, " 비가  온다\t1\t날씨가\u200b 궂다 ")
    assert record.texts == ("비가 온다", "날씨가 궂다")


@pytest.mark.parametrize("row", ["\t1\t날씨가 궂다", "비가 온다\t1\t\u200b"])
def test_a_pair_of_which_one_is_empty_is_counted(train: Path, row: str) -> None:
    assert pairs(train, row) == ([], 1)


def test_a_second_text_that_is_too_long_is_named_with_its_length(train: Path) -> None:
    with pytest.raises(UserError, match=r"max_text_characters: .*\n  train/a\.tsv:2: 51: '나나"):
        pairs(train, f"비가 온다\t1\t{'나' * 51}")


def test_a_record_of_several_labels_says_so(train: Path) -> None:
    write(train, "재미있다\t1;0")
    (record,) = read(train, Form(Columns("document", "label"), FORM.names, 50, ";"), Problems()).records
    assert (record.labels, record.multi_label) == (("긍정", "부정"), True)


def test_lists_of_labels_are_read_from_parquet(train: Path) -> None:
    table = pyarrow.table({"document": ["좋다", "봤다"], "label": [["1", "0"], []]})
    pyarrow.parquet.write_table(table, train / "a.parquet")
    side = read(train, Form(Columns("document", "label"), FORM.names, 50, ";"), Problems())
    assert [record.labels for record in side.records] == [("긍정", "부정"), ()]
