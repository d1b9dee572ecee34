from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from stacks import archives


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    code = tmp_path / "code"
    (code / "sub").mkdir(parents=True)
    (code / "train.py").write_text("print('눈치')\n", encoding="utf-8")
    (code / "sub" / "more.py").write_text("", encoding="utf-8")
    return code


def names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()


def test_bytecode_does_not_change_the_archive(folder: Path) -> None:
    """`__pycache__` in an asset shows every synth on another Python as a change of the code."""
    before = archives.pack({"": folder})
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "train.cpython-311.pyc").write_bytes(b"bytecode")
    assert archives.pack({"": folder}) == before


def test_times_and_modes_do_not_change_the_archive(folder: Path) -> None:
    before = archives.pack({"": folder})
    os.utime(folder / "train.py", (0, 0))
    (folder / "train.py").chmod(0o600)
    assert archives.pack({"": folder}) == before


def test_a_comment_changes_the_archive(folder: Path) -> None:
    before = archives.pack({"": folder})
    with (folder / "train.py").open("a", encoding="utf-8") as file:
        file.write("# why\n")
    assert archives.pack({"": folder}) != before


def test_files_are_sorted_below_their_folders_prefix(folder: Path) -> None:
    assert names(archives.pack({"inference_code": folder, "": folder})) == [
        "inference_code/sub/more.py",
        "inference_code/train.py",
        "sub/more.py",
        "train.py",
    ]


def training_archive() -> set[str]:
    folders = {"": archives.ROOT / "training_code", "inference_code": archives.ROOT / "inference_code"}
    return set(names(archives.pack(folders)))


def test_the_training_archive_holds_scripts_and_the_inference_code() -> None:
    assert {"prepare.py", "train.py", "evaluate.py", "inference_code/inference.py"} <= training_archive()


def test_a_training_job_installs_nothing() -> None:
    """The toolkit installs any requirements.txt at the root: without a package index, no job would start."""
    assert "requirements.txt" not in training_archive()
    assert "evaluate-requirements.txt" in training_archive()


def test_what_tools_leave_behind_does_not_change_the_archive(folder: Path) -> None:
    before = archives.pack({"": folder})
    (folder / ".mypy_cache" / "3.11").mkdir(parents=True)
    (folder / ".mypy_cache" / "3.11" / "cache.json").write_text("{}", encoding="utf-8")
    assert archives.pack({"": folder}) == before
