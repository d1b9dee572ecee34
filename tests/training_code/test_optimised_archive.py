import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from transformers import ElectraConfig

from contract import inference_code_dir
from onnx_export import export
from onnx_int8 import quantise
from optimised_archive import pack
from tests.training_code import tiny_optimised


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "model"
    tiny_optimised.write_archive(folder, ["부정", "긍정"])
    return folder


def packed(folder: Path, archive: Path) -> list[tarfile.TarInfo]:
    pack(folder, archive)
    with tarfile.open(archive) as tar:
        return tar.getmembers()


def test_it_holds_what_serves_and_nothing_else(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "config.json",
        "model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
        "weights.safetensors",
    ]


def test_its_code_is_the_handlers_and_the_part_of_onnx_runtime_that_serves(folder: Path) -> None:
    code = {path.relative_to(folder / "code") for path in (folder / "code").rglob("*") if path.is_file()}
    vendored = {path.relative_to("vendor/onnxruntime") for path in code if path.parts[0] == "vendor"}
    assert {path.name for path in code if path.parts[0] != "vendor"} == {
        path.name for path in inference_code_dir().glob("*.py")
    }
    assert {path.parts[0] for path in vendored} == {"LICENSE", "ThirdPartyNotices.txt", "__init__.py", "capi"}
    assert {path.suffix for path in vendored if len(path.parts) > 1} == {".py", ".so"}


def test_files_are_packed_in_order_for_anyone_to_read_with_no_time_or_owner(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    for name in ("b.json", "code/a.py", "a.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    members = packed(folder, tmp_path / "model.tar.gz")
    assert [member.name for member in members] == ["a.json", "b.json", "code/a.py"]
    assert all(member.isreg() for member in members)
    assert {(member.mode, member.mtime, member.uid, member.uname) for member in members} == {
        (0o644, 0, 0, "")
    }


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    for name, time in (("first", 1e9), ("second", 2e9)):
        os.utime(tmp_path / "model" / "config.json", (time, time))
        pack(tmp_path / "model", tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_koelectras_shape_takes_half_of_the_trained_archive_at_most(folder: Path, tmp_path: Path) -> None:
    """Random weights compress no better than real ones."""
    config = ElectraConfig(
        vocab_size=35000, embedding_size=128, hidden_size=256, num_attention_heads=4, intermediate_size=1024
    )
    model = tiny_optimised.model(config)
    model.save_pretrained(tmp_path / "trained")
    optimised = Path(shutil.copytree(folder, tmp_path / "optimised"))
    export(model, ["attention_mask", "input_ids", "token_type_ids"], tmp_path / "graph")
    quantise(tmp_path / "graph", {n: w.numpy() for n, w in model.state_dict().items()}, optimised)
    for name in ("trained", "optimised"):
        pack(tmp_path / name, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "optimised.tar.gz").stat().st_size <= 0.5 * (
        tmp_path / "trained.tar.gz"
    ).stat().st_size


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
