from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from stacks import archives
from stacks.settings import Settings
from tests.stacks.evaluated import request
from tests.stacks.resolved import Environment


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


def deployed(environment: Environment, assembly: Path) -> dict[str, bytes]:
    """The archive that the environment's training jobs get: its files by name."""
    channels = request(environment, "train", "Train")["InputDataConfig"]
    (uri,) = (one["DataSource"]["S3DataSource"]["S3Uri"] for one in channels if one["ChannelName"] == "code")
    digest = uri.rpartition("/")[2].partition(".")[0]
    with tarfile.open(assembly / f"asset.{digest}.tar.gz") as tar:
        return {name: file.read() for name in tar.getnames() if (file := tar.extractfile(name))}


def test_the_training_archive_holds_scripts_and_the_inference_code(
    environments: dict[str, Environment], assembly: Path
) -> None:
    scripts = {"prepare.py", "train.py", "evaluate.py", "inference_code/inference.py"}
    assert scripts <= deployed(environments["dev"], assembly).keys()


def test_a_training_job_installs_nothing(environments: dict[str, Environment], assembly: Path) -> None:
    """The toolkit installs any requirements.txt at the root: without a package index, no job would start."""
    files = deployed(environments["prod"], assembly)
    assert "requirements.txt" not in files
    assert "evaluate-requirements.txt" in files


def test_a_training_job_that_is_tracked_installs_mlflows_client(
    variants: dict[str, Environment], variant_assembly: tuple[Path, list[Settings]]
) -> None:
    files = deployed(variants["tracked"], variant_assembly[0])
    assert files["requirements.txt"] == files["mlflow-requirements.txt"]


def test_a_file_lies_where_its_path_says(folder: Path) -> None:
    archive = archives.pack({"code": folder, "requirements.txt": folder / "train.py"})
    assert names(archive) == ["code/sub/more.py", "code/train.py", "requirements.txt"]


def test_what_tools_leave_behind_does_not_change_the_archive(folder: Path) -> None:
    before = archives.pack({"": folder})
    (folder / ".mypy_cache" / "3.11").mkdir(parents=True)
    (folder / ".mypy_cache" / "3.11" / "cache.json").write_text("{}", encoding="utf-8")
    assert archives.pack({"": folder}) == before
