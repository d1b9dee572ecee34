import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import optimise
from contract import UserError
from onnx_export import ExportError
from rows import Row, write_jsonl
from served_model import ServedModel
from tests.training_code.conftest import pack, read_json


def write_inputs(base: Path, trained: Path, rows: Iterable[Row]) -> None:
    folder = base / "processing" / "input"
    pack(trained / "model", folder / "model" / "model.tar.gz")
    write_jsonl(folder / "validation" / "validation.jsonl", rows)


@pytest.fixture
def inputs(job: Path, trained: Path, training_rows: list[Row]) -> None:
    """A processing job's inputs: the trained model, and rows."""
    write_inputs(job, trained, training_rows)


@dataclass(frozen=True)
class Done:
    """A finished job."""

    base: Path
    rows: list[Row]

    @property
    def archives(self) -> list[Path]:
        """The trained one, and the variant."""
        return [self.base / "processing" / side / "model" / "model.tar.gz" for side in ("input", "output")]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, trained: Path, training_rows: list[Row]) -> Done:
    """With one label that is surely wrong."""
    base = tmp_path_factory.mktemp("optimise job")
    rows = [*training_rows, Row("영화 최고예요 ㅋㅋ ㅋㅋ", ("negative",))]
    write_inputs(base, trained, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_BASE_DIR", str(base))
        optimise.main([])
    return Done(base, rows)


def result(base: Path) -> Any:
    return read_json(base / "processing" / "output" / "optimisation" / "optimisation.json")


def test_both_are_scored_as_they_are_served(done: Done, tmp_path: Path) -> None:
    found = []
    for archive in done.archives:
        answers = ServedModel(archive, tmp_path / archive.parts[-3]).predict(
            [row.inputs for row in done.rows]
        )
        right = [row.labels == answer.labels for row, answer in zip(done.rows, answers, strict=True)]
        found.append(sum(right) / len(right))
    written = result(done.base)
    assert [written["accuracy"], written["optimised_accuracy"]] == found
    assert written["accuracy_drop"] == found[0] - found[1]
    assert found[0] < 1


def test_what_the_state_machine_reads_is_complete(done: Done) -> None:
    written = result(done.base)
    assert (written["exported"], written["reason"], written["rows"]) == (True, None, 101)


def test_sizes_and_versions_are_told(done: Done) -> None:
    written = result(done.base)
    sizes = [archive.stat().st_size for archive in done.archives]
    assert [written["bytes"], written["optimised_bytes"]] == sizes
    assert set(written["versions"]) == {"python", "torch", "transformers", "onnxruntime"}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ExportError("Odd: its graph computes other logits"), "Odd: its graph computes other logits"),
        (ValueError("no such operator\nat line 3"), "ValueError: no such operator"),
    ],
)
def test_a_model_without_a_variant_is_no_failure(
    job: Path, inputs: None, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(optimise, "export", broken)
    optimise.main([])
    written = result(job)
    assert (written["exported"], written["reason"]) == (False, reason)
    assert written["optimised_accuracy"] is written["accuracy_drop"] is written["optimised_bytes"] is None
    assert written["accuracy"] > 0.5
    assert not list((job / "processing" / "output" / "model").iterdir())


def test_a_variant_that_does_not_answer_is_none(
    job: Path, inputs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        optimise, "complete", lambda trained, folder: shutil.copy(trained / "config.json", folder)
    )
    optimise.main([])
    assert result(job)["reason"].startswith("UserError: ")
    assert not list((job / "processing" / "output" / "model").iterdir())


def test_a_label_that_the_model_does_not_know_fails(job: Path, inputs: None) -> None:
    file = job / "processing" / "input" / "validation" / "validation.jsonl"
    write_jsonl(file, [Row("글쎄요", ("neutral",))])
    with pytest.raises(UserError, match="does not know: neutral; it knows negative, positive"):
        optimise.main([])


def test_a_wrong_batch_size_fails(job: Path) -> None:
    with pytest.raises(UserError, match="batch_size 0 must be above 0"):
        optimise.main(["--batch_size", "0"])
