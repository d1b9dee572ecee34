"""train.py under SageMaker's own training toolkit, without Docker."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from contract import inference_code_dir
from rows import Row
from tests.training_code.conftest import FAST, write_channels

# As stacks/jobs.py has it.
TOGETHER = {"sagemaker_torch_distributed_enabled": "true"}
_CODE = Path(__file__).parents[2] / "training_code"


def source_archive(folder: Path, train: str | None = None, requirements: str | None = None) -> Path:
    """Make the sourcedir.tar.gz that the application uploads.

    `train` replaces train.py; the file named `requirements` is what the toolkit installs.
    """
    code = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(_CODE, code, ignore=ignored)
    shutil.copytree(inference_code_dir(), code / "inference_code", ignore=ignored)
    if train is not None:
        (code / "train.py").write_text(train, encoding="utf-8")
    if requirements is not None:
        shutil.copyfile(code / requirements, code / "requirements.txt")
    archive = folder / "sourcedir.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(code, arcname=".")
    return archive


def run_toolkit(
    base: Path, archive: Path, hyperparameters: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the toolkit's entry as a training container does, on the channels that `base` has."""
    with start_toolkit(base, archive, hyperparameters) as process:
        printed, _ = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, printed)


def start_toolkit(
    base: Path,
    archive: Path,
    hyperparameters: dict[str, str],
    hosts: Sequence[str] = ("algo-1",),
    host: int = 0,
) -> subprocess.Popen[str]:
    """Start it on one of the hosts of a job, which a host is by its place among them."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    for folder in ("model", "output/data"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    every = hyperparameters | {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": str(archive),
        "sagemaker_region": "ap-northeast-2",
    }
    channels = {path.name: {"TrainingInputMode": "File"} for path in (base / "input" / "data").iterdir()}
    resources = {"current_host": hosts[host], "hosts": list(hosts), "network_interface_name": "lo"}
    for name, content in {
        # SageMaker's SDKs send every value as JSON in a string.
        "hyperparameters.json": {name: json.dumps(value) for name, value in every.items()},
        "inputdataconfig.json": channels,
        "resourceconfig.json": resources,
    }.items():
        (config / name).write_text(json.dumps(content), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SM_")} | {
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main",
        # Without it the toolkit waits a quarter of an hour for algo-1's address.
        "SM_STUDIO_LOCAL_MODE": "true",
        "PIP_NO_INDEX": "1",
        # Where torchrun is.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    # The toolkit splits its `pip install` command at spaces; the environment's own path may have some.
    environment_link = archive.parent / "venv"
    if not environment_link.exists():
        environment_link.symlink_to(sys.prefix)
    return subprocess.Popen(
        [environment_link / "bin" / Path(sys.executable).name, "-m", "sagemaker_training.cli.train"],
        env=environment,
        cwd=base,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture
def channels(job: Path, checkpoint: Path, training_rows: list[Row]) -> Path:
    write_channels(job, training_rows[::2], training_rows[1::2], checkpoint)
    return job


def test_the_script_trains_under_the_toolkit(channels: Path, tmp_path: Path) -> None:
    names = [name.removeprefix("--") for name in FAST[::2]]
    hyperparameters = dict(zip(names, FAST[1::2], strict=True)) | {"bf16": "False"}
    finished = run_toolkit(channels, source_archive(tmp_path), hyperparameters)
    assert finished.returncode == 0, finished.stdout
    assert "[validation] epoch=4.00" in finished.stdout
    assert (channels / "output" / "success").exists()
    assert (channels / "output" / "data" / "training.json").exists()
    assert (channels / "model" / "code" / "inference.py").exists()


def test_two_instances_train_one_model_under_the_toolkit(
    channels: Path, tmp_path: Path, checkpoint: Path, training_rows: list[Row]
) -> None:
    """The hyperparameter that the application sets for several instances or GPUs starts torchrun on each."""
    other = tmp_path / "other"
    write_channels(other, training_rows[::2], training_rows[1::2], checkpoint)
    hyperparameters = TOGETHER | {"num_train_epochs": "1", "bf16": "False", "max_seq_length": "32"}
    archive = source_archive(tmp_path)
    # Two names of this machine, of which the first is where the processes meet.
    hosts = ("127.0.0.1", "localhost")
    with (
        start_toolkit(channels, archive, hyperparameters, hosts, 0) as first,
        start_toolkit(other, archive, hyperparameters, hosts, 1) as second,
    ):
        (said, _), (others, _) = first.communicate(), second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), said + others
    assert "processes=2 effective_batch_size=64" in said
    assert "[validation] epoch=1.00" in said
    assert "[setup]" not in others
    assert (channels / "model" / "model.safetensors").exists()
    assert not (other / "model" / "model.safetensors").exists()


def test_the_reason_of_one_of_several_processes_is_the_jobs_failure_reason(
    channels: Path, tmp_path: Path
) -> None:
    finished = run_toolkit(channels, source_archive(tmp_path), TOGETHER | {"lerning_rate": "1e-4"})
    assert finished.returncode == 1
    reason = (channels / "output" / "failure").read_text(encoding="utf-8")
    assert reason == "unknown argument lerning_rate: did you mean learning_rate?"


def test_a_misspelt_hyperparameter_is_the_jobs_failure_reason(channels: Path, tmp_path: Path) -> None:
    finished = run_toolkit(channels, source_archive(tmp_path), {"lerning_rate": "1e-4"})
    assert finished.returncode == 1
    reason = (channels / "output" / "failure").read_text(encoding="utf-8")
    assert reason == "unknown argument lerning_rate: did you mean learning_rate?"


def test_the_message_of_a_script_that_raises_is_in_the_failure_reason(channels: Path, tmp_path: Path) -> None:
    script = "raise RuntimeError('GPU가 불에 탔어요: 물을 뿌리세요')\n"
    finished = run_toolkit(channels, source_archive(tmp_path, train=script), {})
    assert finished.returncode == 1
    reason = (channels / "output" / "failure").read_text(encoding="utf-8")
    assert "GPU가 불에 탔어요: 물을 뿌리세요" in reason[:1024]
