import base64
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import evaluate
from contract import UserError, inference_code_dir
from rows import Row, read_jsonl, write_jsonl
from served_model import Prediction, ServedModel
from task import MULTI_LABEL
from tests.training_code import tiny_model
from tests.training_code.conftest import pack, read_json


@pytest.fixture
def inputs(job: Path, trained: Path, training_rows: list[Row]) -> Path:
    """A processing job's inputs: the trained candidate and rows, with one label that is surely wrong."""
    folder = job / "processing" / "input"
    pack(trained / "model", folder / "model" / "model.tar.gz")
    write_jsonl(folder / "test" / "test.jsonl", [*training_rows, Row("영화 최고예요 ㅋㅋ", ("negative",))])
    return folder


def result(job: Path, name: str = "evaluation.json") -> Any:
    return read_json(job / "processing" / "output" / "evaluation" / name)


def test_the_figures_are_those_of_the_served_model(job: Path, inputs: Path, tmp_path: Path) -> None:
    evaluate.main([])
    rows = read_jsonl(inputs / "test" / "test.jsonl")
    model = ServedModel(inputs / "model" / "model.tar.gz", tmp_path / "model")
    answers = model.predict([row.inputs for row in rows])
    right = sum(answer.labels == row.labels for answer, row in zip(answers, rows, strict=True))
    written = result(job)
    assert written["rows"] == 101
    assert written["accuracy"] == pytest.approx(right / 101)
    assert written["classes"]["negative"]["support"] == 51
    assert written["champion"] is None


def test_the_batch_size_does_not_change_the_figures(job: Path, inputs: Path) -> None:
    results = []
    for size in ("64", "7"):
        evaluate.main(["--batch_size", size])
        results.append(result(job))
    # Sums in another order differ in the last digits of a probability.
    briers = [one.pop("calibration")["brier"] for one in results]
    assert briers[1] == pytest.approx(briers[0])
    for one in results:
        del one["latency"]
    assert results[1] == results[0]


def test_the_champion_is_scored_on_the_same_rows(job: Path, inputs: Path, classifier: Path) -> None:
    pack(classifier, inputs / "champion" / "model.tar.gz")
    evaluate.main([])
    written = result(job)
    champion = written["champion"]
    assert champion["classes"]["negative"]["support"] == 51
    assert champion["accuracy"] < written["accuracy"]
    net = written["mcnemar"]["mended"] - written["mcnemar"]["broken"]
    assert net == round(101 * (written["accuracy"] - champion["accuracy"]))


def test_each_row_is_scored_once_by_each_model(
    job: Path, inputs: Path, classifier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the scoring, requests are timed with texts whose answers are thrown away."""
    asked: list[Any] = []
    predict = ServedModel.predict

    def counted(self: ServedModel, inputs: Sequence[Any]) -> list[Prediction]:
        asked.extend(inputs)
        return predict(self, inputs)

    monkeypatch.setattr(ServedModel, "predict", counted)
    monkeypatch.setattr(evaluate, "latency", lambda *_: {"one_text_ms": 1, "batch_of_64_ms": 1})
    pack(classifier, inputs / "champion" / "model.tar.gz")
    evaluate.main([])
    rows = read_jsonl(inputs / "test" / "test.jsonl")
    assert sorted(asked) == sorted(2 * [row.text for row in rows])


def test_every_file_agrees_on_the_accuracy(job: Path, inputs: Path) -> None:
    evaluate.main([])
    accuracy = result(job)["accuracy"]
    registered = result(job, "model_quality.json")["binary_classification_metrics"]["accuracy"]["value"]
    assert registered == pytest.approx(accuracy)
    page = (job / "processing" / "output" / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert f"Evaluation: {100 * accuracy:.2f} % on 101 rows" in page


def test_the_confusion_matrix_counts_every_row(job: Path, inputs: Path) -> None:
    evaluate.main([])
    written = result(job, "confusion_matrix.json")
    assert written["labels"] == ["negative", "positive"]
    assert [sum(row) for row in written["matrix"]] == [51, 50]


def test_the_report_shows_the_mistake_in_korean_and_the_pictures(job: Path, inputs: Path) -> None:
    evaluate.main([])
    folder = job / "processing" / "output" / "evaluation"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "영화 최고예요 ㅋㅋ</td><td>negative</td>" in page
    for name in ("confusion_matrix.png", "reliability.png"):
        assert base64.b64encode((folder / name).read_bytes()).decode() in page


def test_a_label_that_the_candidate_does_not_know_fails(job: Path, inputs: Path) -> None:
    write_jsonl(inputs / "test" / "test.jsonl", [Row("글쎄요", ("neutral",))])
    with pytest.raises(UserError, match="does not know: neutral; it knows negative, positive"):
        evaluate.main([])


def test_a_champion_with_other_labels_cannot_be_compared(job: Path, inputs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    tiny_model.write_classifier(other, ["negative", "positive", "neutral"])
    (other / "code").mkdir()
    for path in inference_code_dir().glob("*.py"):
        (other / "code" / path.name).write_bytes(path.read_bytes())
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


@pytest.fixture
def several(job: Path, tmp_path: Path) -> Path:
    """The inputs of a multi-label task, with a model of random weights."""
    folder = job / "processing" / "input"
    tiny_model.write_classifier(tmp_path / "several", ["연기", "이야기", "음악"], MULTI_LABEL)
    shutil.copytree(inference_code_dir(), tmp_path / "several" / "code")
    pack(tmp_path / "several", folder / "model" / "model.tar.gz")
    labels = [(), ("연기",), ("연기", "음악"), ("이야기",)]
    rows = [Row(f"영화 {number}", labels[number % 4], multi_label=True) for number in range(40)]
    write_jsonl(folder / "test" / "test.jsonl", rows)
    return folder


def test_several_labels_a_text_are_evaluated_without_a_confusion_matrix(job: Path, several: Path) -> None:
    evaluate.main([])
    written = result(job)
    assert written["problem_type"] == MULTI_LABEL
    assert {name: of["support"] for name, of in written["classes"].items()} == {
        "연기": 20,
        "이야기": 10,
        "음악": 10,
    }
    folder = job / "processing" / "output" / "evaluation"
    assert {path.name for path in folder.iterdir()} == {
        "evaluation.json",
        "model_quality.json",
        "reliability.png",
        "report.html",
    }
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "A text may have several labels: the answer is all those with a probability of 0.5 or more" in page


def test_a_champion_of_another_task_cannot_be_compared(job: Path, several: Path, classifier: Path) -> None:
    pack(classifier, several / "champion" / "model.tar.gz")
    with pytest.raises(UserError, match="another task needs an environment of its own"):
        evaluate.main([])


def test_pairs_are_scored_as_pairs(job: Path, classifier: Path, tmp_path: Path) -> None:
    inputs = job / "processing" / "input"
    pack(classifier, inputs / "model" / "model.tar.gz")
    rows = [
        Row(f"영화 {number}", (("negative", "positive")[number % 2],), "최악이에요 ㅠㅠ")
        for number in range(20)
    ]
    write_jsonl(inputs / "test" / "test.jsonl", rows)
    evaluate.main([])
    model = ServedModel(inputs / "model" / "model.tar.gz", tmp_path / "model")
    request = [{"text": row.text, "text_pair": "최악이에요 ㅠㅠ"} for row in rows]
    right = [answer.labels == row.labels for answer, row in zip(model.predict(request), rows, strict=True)]
    assert result(job)["accuracy"] == sum(right) / 20
    page = (job / "processing" / "output" / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert re.search(r"영화 \d+ ⟷ 최악이에요 ㅠㅠ", page)
