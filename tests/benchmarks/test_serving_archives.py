from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from benchmarks import serving_archives as archives
from data import nsmc


@pytest.mark.parametrize("code", [None, archives.HANDLERS / "workshop"])
def test_an_archive_has_the_code_it_is_given_and_no_other(tmp_path: Path, code: Path | None) -> None:
    model = tmp_path / "model"
    (model / "code").mkdir(parents=True)
    (model / "code" / "inference.py").touch()
    (model / "config.json").touch()
    archives.pack(model, tmp_path / "model.tar.gz", code)
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        assert tar.getnames() == ["config.json", *(["code/inference.py"] if code else [])]


def test_a_job_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="failed: nothing was measured"):
        archives.run(tmp_path, "-c", "raise SystemExit(1)")


class Jobs:
    """Stands for the jobs: each leaves what it would leave."""

    def __init__(self, optimisation: dict[str, object] | None = None) -> None:
        self.optimisation = optimisation

    def __call__(self, base: Path, *command: str) -> None:
        outputs = base / "processing" / "output"
        if "prepare.py" in command[0]:
            for split in ("train", "validation", "test"):
                (outputs / split).mkdir(parents=True)
                (outputs / split / f"{split}.jsonl").write_text("".join(f"{n}\n" for n in range(9)))
        elif "train.py" in command[0]:
            (base / "model").mkdir()
            for name in ("base.jsonl", "input/data/train/train.jsonl"):
                (base / "model" / Path(name).name).write_text((base / name).read_text())
        elif "optimise.py" in command[0]:
            for folder in ("model", "optimisation"):
                (outputs / folder).mkdir(parents=True)
            (outputs / "optimisation" / "optimisation.json").write_text(json.dumps(self.optimisation))
            (outputs / "model" / "model.tar.gz").write_bytes(b"optimised")


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(nsmc, "find", lambda download_to: tmp_path)
    monkeypatch.setattr(archives, "run", Jobs())
    for name, rows in (("BASE_ROWS", 4), ("TRAIN_ROWS", 3), ("VALIDATION_ROWS", 2)):
        monkeypatch.setattr(archives, name, rows)
    archives.train(tmp_path / "trained")
    return tmp_path / "trained"


def test_the_layers_learn_from_other_rows_than_the_embeddings(trained: Path) -> None:
    assert (trained / "model" / "base.jsonl").read_text().split() == list("0123")
    assert (trained / "model" / "train.jsonl").read_text().split() == list("456")


def test_all_test_rows_stay_with_the_model_and_some_that_validate(trained: Path) -> None:
    assert (trained / "test.jsonl").read_text().split() == list("012345678")
    assert (trained / "validation.jsonl").read_text().split() == list("01")


def test_nothing_else_stays(trained: Path) -> None:
    assert [path.name for path in trained.parent.iterdir()] == ["trained"]


def test_the_optimised_archive_is_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "run", Jobs({"exported": True}))
    archives.optimise(tmp_path / "trained", tmp_path / "validation.jsonl", tmp_path / "optimised")
    assert (tmp_path / "optimised").read_bytes() == b"optimised"


def test_without_an_optimised_archive_there_is_nothing_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "run", Jobs({"exported": False, "reason": "it is no transformer"}))
    with pytest.raises(SystemExit, match="it is no transformer"):
        archives.optimise(tmp_path / "trained", tmp_path / "validation.jsonl", tmp_path / "optimised")
