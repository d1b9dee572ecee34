import shutil
from pathlib import Path

import pytest

import manifest
from contract import inference_code_dir
from manifest import code_sha256, summarise
from records import Record


def test_a_summary_counts_labels_and_lengths() -> None:
    texts = ["가" * 5, "가" * 6, "가" * 11, "가" * 2001]
    labels = ["긍정", "긍정", "긍정", "부정"]
    rows = [Record(text, (label,), file="a", number=1) for text, label in zip(texts, labels, strict=True)]
    found = summarise(rows, ["부정", "긍정"])
    assert found["labels"] == {"부정": 1, "긍정": 3}
    assert found["label_shares"] == {"부정": 0.25, "긍정": 0.75}
    lengths = found["lengths"]
    assert (lengths["mean"], lengths["median"], lengths["p95"], lengths["longest"]) == (
        505.75,
        11,
        2001,
        2001,
    )
    filled = [(one["up_to"], one["rows"]) for one in lengths["histogram"] if one["rows"]]
    assert filled == [(5, 1), (10, 1), (15, 1), (None, 1)]


def test_every_length_has_one_bin() -> None:
    rows = [Record("가" * length, ("긍정",), file="a", number=length) for length in range(1, 2500)]
    found = summarise(rows, ["긍정"])
    assert sum(one["rows"] for one in found["lengths"]["histogram"]) == 2499


def unpacked(folder: Path) -> Path:
    """The code as a job has it, with what lies beside it there."""
    repository = Path(manifest.__file__).parent
    shutil.copytree(repository, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        inference_code_dir(), folder / "inference_code", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "abc.tar.gz").write_bytes(b"the archive")
    return folder


def test_the_code_has_the_same_digest_in_the_repository_and_in_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repositorys = code_sha256()
    job = unpacked(tmp_path / "code")
    monkeypatch.setattr(manifest, "__file__", str(job / "manifest.py"))
    monkeypatch.setattr(manifest, "inference_code_dir", lambda: job / "inference_code")
    assert code_sha256() == repositorys


@pytest.mark.parametrize("name", ["train.py", "parquet-requirements.txt", "inference_code/normalisation.py"])
def test_another_code_has_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    repositorys = code_sha256()
    job = unpacked(tmp_path / "code")
    monkeypatch.setattr(manifest, "__file__", str(job / "manifest.py"))
    monkeypatch.setattr(manifest, "inference_code_dir", lambda: job / "inference_code")
    with (job / name).open("a", encoding="utf-8") as file:
        file.write("#")
    assert code_sha256() != repositorys
