import json
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

import train
from contract import inference_code_dir
from rows import Row, write_jsonl
from tests.training_code import tiny_model

# More threads than one only get in each other's way on a model this small.
torch.set_num_threads(1)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with a space in its name, that stands for /opt/ml."""
    for name in [name for name in os.environ if name.startswith("SM_")]:
        monkeypatch.delenv(name)
    base = tmp_path / "opt ml"
    base.mkdir()
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
    return base


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    tiny_model.write_checkpoint(folder)
    return folder


@pytest.fixture(scope="session")
def training_rows() -> list[Row]:
    good = [Row(text, ("positive",)) for text in tiny_model.reviews(tiny_model.GOOD)]
    bad = [Row(text, ("negative",)) for text in tiny_model.reviews(tiny_model.BAD)]
    return good + bad


def write_channels(
    base: Path, train_rows: Iterable[Row], validation_rows: Iterable[Row], model: Path
) -> None:
    """Fill the channels of a training job."""
    data = base / "input" / "data"
    write_jsonl(data / "train" / "train.jsonl", train_rows)
    write_jsonl(data / "validation" / "validation.jsonl", validation_rows)
    (data / "model").symlink_to(model)


def pack(folder: Path, archive: Path) -> None:
    """Make the archive that SageMaker makes of a model folder."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=".")


FAST = ["--num_train_epochs", "4", "--per_device_train_batch_size", "8", "--learning_rate", "1e-2"]
FAST += ["--max_seq_length", "32", "--logging_steps", "5"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path, training_rows: list[Row]) -> Path:
    """A finished training job's folder."""
    base = tmp_path_factory.mktemp("trained job")
    write_channels(base, training_rows[::2], training_rows[1::2], checkpoint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_BASE_DIR", str(base))
        train.main(FAST)
    return base


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as train.py leaves it, with random weights."""
    folder = tmp_path_factory.mktemp("classifier")
    tiny_model.write_classifier(folder, ["negative", "positive"])
    code = folder / "code"
    code.mkdir()
    for path in inference_code_dir().glob("*.py"):
        (code / path.name).write_bytes(path.read_bytes())
    return folder


def read_json(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))
