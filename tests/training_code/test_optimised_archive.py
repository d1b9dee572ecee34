import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

import optimised_archive
from tests.training_code import tiny_optimised


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "model"
    tiny_optimised.write_archive(folder, ["부정", "긍정"])
    return folder


@pytest.fixture(scope="module")
def archive(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("packed") / "model.tar.gz"
    optimised_archive.pack(folder, archive)
    return archive


def test_it_holds_what_serves_and_nothing_else(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        names = [name for name in tar.getnames() if not name.startswith("code/")]
    assert names == [
        "config.json",
        "model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
        "weights.safetensors",
    ]


def test_its_code_is_the_handlers_and_onnx_runtime(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        code = {Path(name) for name in tar.getnames() if name.startswith("code/")}
    vendored = {path.relative_to("code/vendor/onnxruntime") for path in code if "vendor" in path.parts}
    assert {path.suffix for path in code - {Path("code/vendor/onnxruntime") / path for path in vendored}} == {
        ".py"
    }
    assert {path.parts[0] for path in vendored} == {
        "LICENSE",
        "ThirdPartyNotices.txt",
        "__init__.py",
        "capi",
    }
    assert [path.suffix for path in vendored].count(".so") == 1


def test_it_holds_files_alone_that_anyone_may_read(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    assert all(member.isreg() and not Path(member.name).is_absolute() for member in members)
    assert {member.mode for member in members} == {0o644}


def test_the_same_files_give_the_same_bytes(archive: Path, folder: Path, tmp_path: Path) -> None:
    for file in folder.rglob("*.json"):
        os.utime(file, (0, 0))
    again = tmp_path / "again"
    optimised_archive.pack(folder, again)
    assert again.read_bytes() == archive.read_bytes()


def test_its_onnx_runtime_needs_numpy_alone(folder: Path, tmp_path: Path) -> None:
    """What serves has Python's own library and, of packages, numpy: nothing is installed there."""
    for package in Path(np.__file__).parent.parent.glob("numpy*"):
        (tmp_path / package.name).symlink_to(package)
    code = f"""
import sys
sys.path += [{str(folder / "code" / "vendor")!r}, {str(folder / "code")!r}, {str(tmp_path)!r}]
import numpy, onnx_runtime
from pathlib import Path
runtime = onnx_runtime.load(Path({str(folder)!r}))
ids = numpy.array([[2, 7, 8, 3]])
inputs = dict.fromkeys(runtime.input_names, numpy.ones_like(ids)) | {{"input_ids": ids}}
print(runtime.logits(inputs).shape, sys.modules["onnxruntime"].__file__)
"""
    # -S: without site-packages. Nothing of the folder that it runs in, or of variables.
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"(1, 2) {folder / 'code' / 'vendor' / 'onnxruntime' / '__init__.py'}"
    assert not ran.stderr
