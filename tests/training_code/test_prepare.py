import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contract import UserError
from normalisation import VERSION
from prepare import bucket, main
from rows import Row, read_jsonl
from tests.training_code.conftest import read_json

HEADER = "id\tdocument\tlabel"
TRAIN = [(f"{number}점 영화예요", number % 2) for number in range(400)]


def write(job: Path, side: str, rows: list[tuple[str, int]]) -> None:
    folder = job / "processing" / "input" / "data" / side
    folder.mkdir(parents=True)
    lines = [HEADER] + [f"{number}\t{text}\t{label}" for number, (text, label) in enumerate(rows)]
    (folder / "리뷰.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def output(job: Path) -> dict[str, list[Row]]:
    folder = job / "processing" / "output"
    return {name: read_jsonl(folder / name / f"{name}.jsonl") for name in ("train", "validation", "test")}


def manifest(job: Path) -> Any:
    return read_json(job / "processing" / "output" / "manifest" / "manifest.json")


def test_no_text_stands_on_two_sides(job: Path) -> None:
    write(job, "train", TRAIN * 2 + [(f"  {text} ", label) for text, label in TRAIN])
    main([])
    texts = [row.text for rows in output(job).values() for row in rows]
    assert sorted(texts) == sorted(text for text, _ in TRAIN)


def test_the_fractions_are_about_what_was_asked(job: Path) -> None:
    write(job, "train", TRAIN)
    main(["--validation_fraction", "0.2", "--test_fraction", "0.3"])
    sizes = {name: len(rows) / len(TRAIN) for name, rows in output(job).items()}
    assert sizes == pytest.approx({"train": 0.5, "validation": 0.2, "test": 0.3}, abs=0.06)


def test_a_texts_side_depends_on_nothing_but_the_text(job: Path) -> None:
    write(job, "train", TRAIN)
    main([])
    assert {row.text for row in output(job)["test"]} == {text for text, _ in TRAIN if bucket(text) < 100}


def test_the_bucket_of_a_text_never_changes() -> None:
    assert [bucket("재미있어요"), bucket("10점")] == [255, 142]


def test_an_official_test_set_stays_whole_and_leaves_the_training_data(job: Path) -> None:
    official = [("겹치는 글", 0), ("겹치는 글", 0), ("두 이름", 0), ("두 이름", 1), ("", 1)]
    write(job, "train", [*TRAIN, ("겹치는  글", 1), ("두 이름", 0)])
    write(job, "test", official)
    main([])
    splits = output(job)
    assert [row.text for row in splits["test"]] == ["겹치는 글", "겹치는 글", "두 이름", "두 이름"]
    assert not {"겹치는 글", "두 이름"} & {row.text for row in splits["train"] + splits["validation"]}
    assert manifest(job)["dropped"] == {
        "train": {"in_test": 2, "two_labels": 0, "duplicate": 0},
        "test": {"empty": 1},
    }


def test_what_is_dropped_is_counted_by_reason(job: Path) -> None:
    extra = [("둘 다", 0), ("둘 다", 1), ("\u200b", 0), ("", 1), TRAIN[0], TRAIN[0], TRAIN[1]]
    write(job, "train", TRAIN + extra)
    main([])
    assert manifest(job)["dropped"] == {"train": {"empty": 2, "two_labels": 2, "duplicate": 3}}


def test_the_manifest_describes_the_files(job: Path) -> None:
    write(job, "train", TRAIN)
    main([])
    described = manifest(job)
    assert described["normalisation_version"] == VERSION
    for name, rows in output(job).items():
        labels = Counter(row.label for row in rows)
        data = (job / "processing" / "output" / name / f"{name}.jsonl").read_bytes()
        assert described["splits"][name] == {
            "rows": len(rows),
            "labels": {"negative": labels["negative"], "positive": labels["positive"]},
            "sha256": hashlib.sha256(data).hexdigest(),
        }


def test_validation_and_test_do_not_share_a_folder(job: Path) -> None:
    write(job, "train", TRAIN)
    main([])
    files = sorted(path.relative_to(job) for path in (job / "processing" / "output").rglob("*.*"))
    assert len({path.parent for path in files}) == len(files) == 4


def test_cleaning_keeps_digits_and_latin_letters(job: Path) -> None:
    write(job, "train", [*TRAIN, ("10점 만점에 OST는 A+", 1)])
    main([])
    assert Row("10점 만점에 OST는 A+", "positive") in [row for rows in output(job).values() for row in rows]


def test_columns_and_labels_can_have_other_names(job: Path) -> None:
    folder = job / "processing" / "input" / "data" / "train"
    folder.mkdir(parents=True)
    lines = "".join(f"{label}\t{text}\n" for text, label in TRAIN)
    (folder / "a.tsv").write_text("별점\t리뷰\n" + lines, encoding="utf-8")
    main(["--text_column", "리뷰", "--label_column", "별점", "--label_names", "부정, 긍정"])
    assert {row.label for row in output(job)["train"]} == {"부정", "긍정"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--validation_fraction", "0"], "validation_fraction 0.0 must lie between 0 and 1"),
        (["--test_fraction", "0.5", "--validation_fraction", "0.5"], "leave nothing to train on"),
        (["--label_names", "one"], "label_names 'one': give two or more different names"),
        (["--validaton_fraction", "0.1"], "did you mean validation_fraction?"),
        (["--label_names", "a,b,c"], r"the train split \(\d+ rows\) has no row labelled c"),
    ],
)
def test_a_wrong_argument_fails(job: Path, arguments: list[str], message: str) -> None:
    write(job, "train", TRAIN)
    with pytest.raises(UserError, match=message):
        main(arguments)


def test_an_empty_folder_fails_naming_it(job: Path) -> None:
    with pytest.raises(UserError, match=r"there is no \*\.tsv file in .*processing/input/data/train"):
        main([])


def test_a_failure_is_the_processing_jobs_exit_message(job: Path) -> None:
    write(job, "train", [*TRAIN, ("어느 쪽?", 7)])
    script = Path(__file__).parents[2] / "training_code" / "prepare.py"
    finished = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, encoding="utf-8", check=False
    )
    message = "리뷰.tsv, line 402: label '7' is none of 0 (negative), 1 (positive)"
    assert finished.returncode == 1
    assert finished.stderr == f"error: {message}\n"
    assert (job / "output" / "message").read_text(encoding="utf-8") == message


@pytest.mark.skipif(
    "NSMC_DIR" not in os.environ, reason="NSMC_DIR does not name the folder of the NSMC corpus"
)
def test_all_of_nsmc_is_accounted_for(job: Path) -> None:
    for side in ("train", "test"):
        folder = job / "processing" / "input" / "data" / side
        folder.mkdir(parents=True)
        (folder / "nsmc.tsv").symlink_to(Path(os.environ["NSMC_DIR"]).resolve() / f"ratings_{side}.txt")
    main([])
    described = manifest(job)
    assert described["splits"]["test"]["rows"] == 50_000 - 3
    assert described["dropped"]["test"] == {"empty": 3}
    assert described["dropped"]["train"]["empty"] == 5
    kept = described["splits"]["train"]["rows"] + described["splits"]["validation"]["rows"]
    assert kept + sum(described["dropped"]["train"].values()) == 150_000
    splits = output(job)
    texts = {name: {row.text for row in rows} for name, rows in splits.items()}
    assert len(texts["train"]) + len(texts["validation"]) == kept
    assert not texts["train"] & texts["validation"] | (texts["train"] | texts["validation"]) & texts["test"]
