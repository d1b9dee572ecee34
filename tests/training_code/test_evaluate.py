from pathlib import Path
from typing import Any

import pytest

import evaluate
import inference
from contract import UserError
from rows import Row, write_jsonl
from tests.training_code import tiny_model
from tests.training_code.conftest import pack, read_json


@pytest.fixture
def inputs(job: Path, trained: Path, training_rows: list[Row]) -> Path:
    """A processing job's inputs: the trained candidate and rows, with one label that is surely wrong."""
    folder = job / "processing" / "input"
    pack(trained / "model", folder / "model" / "model.tar.gz")
    write_jsonl(
        folder / "test" / "test.jsonl", [*training_rows, Row("영화 최고예요 <b>ㅋㅋ</b>", "negative")]
    )
    return folder


def result(job: Path, name: str = "evaluation.json") -> Any:
    return read_json(job / "processing" / "output" / "evaluation" / name)


def test_the_figures_are_those_of_the_served_model(
    job: Path, inputs: Path, trained: Path, training_rows: list[Row]
) -> None:
    evaluate.main([])
    rows = [*training_rows, Row("영화 최고예요 <b>ㅋㅋ</b>", "negative")]
    model = inference.model_fn(str(trained / "model"))
    answers = inference.predict_fn({"inputs": [row.text for row in rows]}, model)
    right = sum(answer["label"] == row.label for answer, row in zip(answers, rows, strict=True))
    written = result(job)
    assert written["rows"] == 101
    assert written["accuracy"] == pytest.approx(right / 101)
    assert written["classes"]["negative"]["support"] == 51
    assert written["champion"] is None


def test_the_batch_size_does_not_change_the_figures(job: Path, inputs: Path) -> None:
    evaluate.main([])
    one = result(job)
    evaluate.main(["--batch_size", "7"])
    assert result(job) == one


def test_the_champion_is_scored_on_the_same_rows(job: Path, inputs: Path, classifier: Path) -> None:
    pack(classifier, inputs / "champion" / "model.tar.gz")
    evaluate.main([])
    written = result(job)
    assert set(written["champion"]) == {"accuracy", "macro_f1", "classes"}
    assert written["champion"]["classes"]["negative"]["support"] == 51
    assert written["champion"]["accuracy"] < written["accuracy"]


def test_the_confusion_matrix_counts_every_row(job: Path, inputs: Path) -> None:
    evaluate.main([])
    written = result(job, "confusion_matrix.json")
    assert written["labels"] == ["negative", "positive"]
    assert [sum(row) for row in written["matrix"]] == [51, 50]


def test_the_report_shows_the_mistake_in_korean_and_escaped(job: Path, inputs: Path) -> None:
    evaluate.main([])
    folder = job / "processing" / "output" / "evaluation"
    assert "영화 최고예요 &lt;b&gt;ㅋㅋ&lt;/b&gt;" in (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")


def test_a_label_that_the_candidate_does_not_know_fails(job: Path, inputs: Path) -> None:
    write_jsonl(inputs / "test" / "test.jsonl", [Row("글쎄요", "neutral")])
    with pytest.raises(UserError, match="does not know: neutral; it knows negative, positive"):
        evaluate.main([])


def test_a_champion_with_other_labels_cannot_be_compared(job: Path, inputs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    tiny_model.write_classifier(other, ["negative", "positive", "neutral"])
    (other / "code").mkdir()
    for name in ("inference.py", "normalisation.py"):
        (other / "code" / name).write_bytes((Path(inference.__file__).parent / name).read_bytes())
    pack(other, inputs / "champion" / "model.tar.gz")
    with pytest.raises(UserError, match="the champion negative, positive, neutral: they cannot be compared"):
        evaluate.main([])


def test_a_missing_archive_is_named(job: Path, inputs: Path) -> None:
    (inputs / "model" / "model.tar.gz").unlink()
    with pytest.raises(UserError, match=r"input/model/model\.tar\.gz does not exist"):
        evaluate.main([])


def test_a_wrong_batch_size_fails(job: Path) -> None:
    with pytest.raises(UserError, match="batch_size 0 must be above 0"):
        evaluate.main(["--batch_size", "0"])
