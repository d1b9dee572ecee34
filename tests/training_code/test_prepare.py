import hashlib
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract import UserError
from manifest import code_sha256
from normalisation import VERSION
from prepare import main
from rows import Row, read_jsonl
from split import bucket
from tests.training_code.conftest import read_json

ROOT = Path(__file__).resolve().parents[2]
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


def report(job: Path) -> str:
    return (job / "processing" / "output" / "manifest" / "report.html").read_text(encoding="utf-8")


def test_no_text_stands_on_two_sides(job: Path) -> None:
    written = [(f"  {unicodedata.normalize('NFD', text)} ", label) for text, label in TRAIN]
    write(job, "train", TRAIN + written)
    main(["--max_duplicate_share", "0.5"])
    texts = [row.text for rows in output(job).values() for row in rows]
    assert sorted(texts) == sorted(text for text, _ in TRAIN)


def test_the_fractions_are_what_the_arguments_say(job: Path) -> None:
    write(job, "train", TRAIN)
    main(["--validation_fraction", "0.2", "--test_fraction", "0.3"])
    assert {row.text for row in output(job)["test"]} == {text for text, _ in TRAIN if bucket(text) < 300}
    assert {row.text for row in output(job)["train"]} == {text for text, _ in TRAIN if bucket(text) >= 500}


def test_an_official_test_set_stays_whole_and_leaves_the_training_data(job: Path) -> None:
    official = [("겹치는 글", 0), ("겹치는 글", 0), ("두 이름", 0), ("두 이름", 1), ("", 1)]
    write(job, "train", [*TRAIN, ("겹치는  글", 1), ("두 이름", 0)])
    write(job, "test", official)
    main([])
    splits = output(job)
    assert [row.text for row in splits["test"]] == ["겹치는 글", "겹치는 글", "두 이름", "두 이름"]
    assert not {"겹치는 글", "두 이름"} & {row.text for row in splits["train"] + splits["validation"]}
    assert manifest(job)["dropped"] == {
        "train": {"empty": 0, "in_test": 2, "two_labels": 0, "duplicate": 0},
        "test": {"empty": 1},
    }


def test_what_is_dropped_is_counted_by_reason(job: Path) -> None:
    extra = [("둘 다", 0), ("둘 다", 1), ("\u200b", 0), ("", 1), TRAIN[0], TRAIN[0], TRAIN[1]]
    write(job, "train", TRAIN + extra)
    main([])
    assert manifest(job)["dropped"] == {"train": {"empty": 2, "in_test": 0, "two_labels": 2, "duplicate": 3}}


def test_the_manifest_describes_the_files_that_were_written(job: Path) -> None:
    write(job, "train", TRAIN)
    main([])
    described = manifest(job)
    for name, rows in output(job).items():
        labels = Counter(row.label for row in rows)
        data = (job / "processing" / "output" / name / f"{name}.jsonl").read_bytes()
        split = described["splits"][name]
        assert (split["rows"], split["sha256"]) == (len(rows), hashlib.sha256(data).hexdigest())
        assert split["labels"] == {"negative": labels["negative"], "positive": labels["positive"]}


def test_the_manifest_says_what_went_in_and_by_what_it_was_made(job: Path) -> None:
    write(job, "train", TRAIN)
    main(["--min_rows", "300"])
    described = manifest(job)
    data = (job / "processing" / "input" / "data" / "train" / "리뷰.tsv").read_bytes()
    assert described["files"] == [
        {"file": "train/리뷰.tsv", "rows": len(TRAIN), "sha256": hashlib.sha256(data).hexdigest()}
    ]
    assert (described["normalisation_version"], described["code_sha256"]) == (VERSION, code_sha256())
    assert described["arguments"]["min_rows"] == 300
    assert {"rule": "min_rows", "value": 400, "limit": 300} in described["checks"]


def test_the_same_data_gives_the_same_manifest(job: Path) -> None:
    write(job, "train", TRAIN)
    main([])
    first = manifest(job)
    main([])
    assert manifest(job) == first


def test_validation_and_test_do_not_share_a_folder(job: Path) -> None:
    write(job, "train", TRAIN)
    main([])
    paths = [next((job / "processing" / "output").rglob(f"{name}.jsonl")) for name in output(job)]
    assert len({path.parent for path in paths}) == len(paths)


def test_cleaning_keeps_digits_and_latin_letters(job: Path) -> None:
    write(job, "train", [*TRAIN, ("10점 만점에 OST는 A+", 1)])
    main([])
    assert Row("10점 만점에 OST는 A+", ("positive",)) in [
        row for rows in output(job).values() for row in rows
    ]


def test_columns_and_labels_have_the_names_that_the_arguments_say(job: Path) -> None:
    folder = job / "processing" / "input" / "data" / "train"
    folder.mkdir(parents=True)
    lines = "".join(f"{5 - 4 * label}-,{text}\n" for text, label in TRAIN[:-1])
    (folder / "a.csv").write_text("별점,리뷰\n" + lines + f"-2,{TRAIN[-1][0]}\n", encoding="utf-8")
    main(["--text_column=리뷰", "--label_column=별점", "--labels", "부정=1-", "부정=-2", "긍정=5-"])
    assert {row.label for row in output(job)["train"]} == {"부정", "긍정"}
    assert manifest(job)["label_names"] == ["부정", "긍정"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--validation_fraction", "0"], "validation_fraction 0.0 must lie between 0 and 1"),
        (["--test_fraction", "0.5", "--validation_fraction", "0.5"], "leave nothing to train on"),
        (["--labels", "one=1"], "labels 'one=1': give two or more different names"),
        (["--labels", "one=1", "two"], "labels 'one=1 two': give two or more different names"),
        (["--labels", "one=1", "two=1"], "labels 'one=1 two=1': what stands in the files has one name only"),
        (
            ["--labels", f"a={unicodedata.normalize('NFD', '긍정')}", "b=긍정"],
            "what stands in the files has one name only",
        ),
        (["--text_column", "label"], "text_column and label_column are both 'label'"),
        (["--text_pair_column", "label"], "label_column and text_pair_column are both 'label'"),
        (["--label_separator="], "label_separator is empty"),
        (["--min_rows", "0"], "min_rows 0 must be above 0"),
        (["--max_label_drift", "1.5"], "max_label_drift 1.5 must be 0 to 1"),
        (["--validaton_fraction", "0.1"], "did you mean validation_fraction?"),
    ],
)
def test_a_wrong_argument_fails(job: Path, arguments: list[str], message: str) -> None:
    write(job, "train", TRAIN)
    with pytest.raises(UserError, match=message):
        main(arguments)


def test_a_split_without_a_label_fails(job: Path) -> None:
    write(job, "train", TRAIN)
    write(job, "test", [("좋다", 1)])
    with pytest.raises(UserError, match=r"(?s)^labels: each split needs .*\n  test, 1 texts: no negative$"):
        main([])


def test_problems_of_both_sides_are_told_together(job: Path) -> None:
    write(job, "train", [*TRAIN, ("어느 쪽?", 7)])
    write(job, "test", [("어느 쪽?", 8)])
    with pytest.raises(UserError, match=r"(?s)train/리뷰\.tsv:402: '7'.*test/리뷰\.tsv:2: '8'"):
        main([])


def test_limits_are_held_against_the_rows(job: Path) -> None:
    write(job, "train", TRAIN)
    with pytest.raises(UserError, match=r"^min_rows: 400 distinct texts are left, and 401 are needed"):
        main(["--min_rows", "401"])


def give_champions(job: Path, made: Path) -> None:
    folder = job / "processing" / "input" / "champion_manifest"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(made.read_bytes())


def test_the_champions_data_has_not_drifted_from_itself(job: Path) -> None:
    write(job, "train", TRAIN)
    main([])
    give_champions(job, job / "processing" / "output" / "manifest" / "manifest.json")
    main(["--max_label_drift", "0", "--max_length_drift", "0"])
    assert "the champion's train" in report(job)


def test_drift_from_the_champions_data_fails(job: Path) -> None:
    write(job, "train", TRAIN)
    main([])
    give_champions(job, job / "processing" / "output" / "manifest" / "manifest.json")
    (job / "processing" / "input" / "data" / "train" / "리뷰.tsv").unlink()
    (job / "processing" / "input" / "data" / "train").rmdir()
    write(job, "train", [(text * 5, int(number % 4 == 0)) for number, (text, _) in enumerate(TRAIN)])
    with pytest.raises(UserError, match=r"(?s)^max_label_drift: .*\nmax_length_drift: "):
        main([])


def test_the_report_is_readable_by_itself(job: Path) -> None:
    extra = [("<b>둘 다</b>", 0), ("<b>둘 다</b>", 1), ("또 보고 싶다", 1), ("또 보고 싶다", 1)]
    write(job, "train", TRAIN + extra)
    main([])
    page = report(job)
    assert "401 of 404 rows" in page
    assert "&lt;b&gt;둘 다&lt;/b&gt;" in page
    assert re.search(r"또 보고 싶다", page)
    assert not re.search(r"(src|href)=", page)


def test_a_failure_is_the_processing_jobs_exit_message(job: Path) -> None:
    write(job, "train", [*TRAIN, ("어느 쪽?", 7)])
    finished = subprocess.run(
        [sys.executable, ROOT / "training_code" / "prepare.py"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    message = (
        "unknown label: it must be one of 0 (negative), 1 (positive); mend it, or add it to labels\n"
        "  train/리뷰.tsv:402: '7'"
    )
    assert finished.returncode == 1
    assert finished.stderr == f"error: {message}\n"
    assert (job / "output" / "message").read_text(encoding="utf-8") == message


def test_the_bundled_reviews_pass(job: Path) -> None:
    folder = job / "processing" / "input" / "data" / "train"
    folder.mkdir(parents=True)
    (folder / "reviews.tsv").symlink_to(ROOT / "data" / "reviews" / "reviews.tsv")
    main([])
    assert manifest(job)["dropped"] == {"train": {"empty": 0, "in_test": 0, "two_labels": 0, "duplicate": 0}}


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


def write_csv(job: Path, lines: list[str]) -> None:
    folder = job / "processing" / "input" / "data" / "train"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_without_labels_their_names_are_what_stands_in_the_files(job: Path) -> None:
    write_csv(
        job,
        [
            "document,label",
            *(f"{text},{('부정', '중립', '긍정')[number % 3]}" for number, (text, _) in enumerate(TRAIN)),
        ],
    )
    main(["--labels="])
    assert {row.label for row in output(job)["train"]} == {"부정", "중립", "긍정"}
    assert manifest(job)["label_names"] == ["긍정", "부정", "중립"]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (lambda number: "긍정", "labels: the files have '긍정' only, and two are needed"),
        (
            lambda number: f"{number:03}",
            "labels: the files have 400, and 50 may be, as in '000', '001', '002';",
        ),
    ],
    ids=["one", "too many"],
)
def test_labels_of_the_files_are_two_to_fifty(job: Path, label: Callable[[int], str], message: str) -> None:
    write_csv(job, ["document,label", *(f"{text},{label(number)}" for number, (text, _) in enumerate(TRAIN))])
    with pytest.raises(UserError, match=message):
        main(["--labels="])


def test_several_labels_a_text_are_written_and_counted(job: Path) -> None:
    labels = ("연기|음악", "이야기", "")
    write_csv(
        job, ["document,label", *(f"{text},{labels[number % 3]}" for number, (text, _) in enumerate(TRAIN))]
    )
    main(["--labels=", "--label_separator=|"])
    rows = [row for split in output(job).values() for row in split]
    assert {row.labels for row in rows} == {("연기", "음악"), ("이야기",), ()}
    assert all(row.multi_label for row in rows)
    split = manifest(job)["splits"]["train"]
    assert split["labels"]["연기"] == sum("연기" in row.labels for row in output(job)["train"])
    assert 0.6 < sum(split["label_shares"].values()) < 1.4


def test_no_pair_stands_on_two_sides_in_either_order(job: Path) -> None:
    pairs = [(f"{number}점 영화예요", f"{number % 7}번 봤어요") for number in range(400)]
    lines = [f"{first},{second},{number % 2}" for number, (first, second) in enumerate(pairs)]
    swapped = [f"{second},{first},{number % 2}" for number, (first, second) in enumerate(pairs)]
    write_csv(job, ["전제,가설,label", *lines, *swapped])
    main(["--text_column=전제", "--text_pair_column=가설"])
    sides = [{frozenset(row.texts) for row in rows} for rows in output(job).values()]
    assert [len(side) for side in sides] == [len(rows) // 2 for rows in output(job).values()]
    assert len(set.union(*sides)) == sum(map(len, sides)) == 400


def test_a_pair_of_the_test_set_leaves_the_training_data_in_either_order(job: Path) -> None:
    lines = [f"{text},{text[::-1]},{label}" for text, label in TRAIN]
    write_csv(job, ["전제,가설,label", *lines, "맑다,비가 온다,0"])
    test = job / "processing" / "input" / "data" / "test"
    test.mkdir()
    (test / "a.csv").write_text("전제,가설,label\n비가 온다,맑다,0\n비가 온다,흐리다,1\n", encoding="utf-8")
    main(["--text_column=전제", "--text_pair_column=가설"])
    assert manifest(job)["dropped"]["train"]["in_test"] == 1


def test_the_report_shows_pairs_and_several_labels(job: Path) -> None:
    lines = [f"{text},{text[::-1]},{('연기|음악', '이야기')[label]}" for text, label in TRAIN]
    write_csv(job, ["전제,가설,label", *lines, lines[0]])
    main(["--text_column=전제", "--text_pair_column=가설", "--labels=", "--label_separator=|"])
    assert '<td>연기, 음악</td><td class="text" lang="ko">0점 영화예요 ⟷ 요예화영 점0</td>' in report(job)
