"""Fine-tune on texts of yours, on this machine and without any cloud.

It runs the scripts of the jobs, prepare.py, train.py and evaluate.py, in a folder that stands for the jobs'.
What comes before ` -- ` and is not listed below goes to prepare.py, and what comes after it to train.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Prepare, train and evaluate; ends with the status of the script that fails."""
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    for_train = given[end + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--data", type=Path, required=True, help="a file, or a folder, with train/ or without"
    )
    parser.add_argument(
        "--base", help="a checkpoint's folder, or its name on the Hub; train.py has a default"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the results; must not exist")
    options, for_prepare = parser.parse_known_args(given[:end])
    if not options.data.exists():
        parser.error(f"--data {options.data}: there is no such file or folder")
    if options.output.exists():
        parser.error(f"--output {options.output} exists: name another folder, or remove it")
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder)
        made = job / "processing" / "output"
        copy_data(options.data, job / "processing" / "input" / "data")
        run(["prepare.py", *for_prepare], job)

        channels = {f"SM_CHANNEL_{name.upper()}": str(made / name) for name in ("train", "validation")}
        if options.base and Path(options.base).is_dir():
            channels["SM_CHANNEL_MODEL"] = str(Path(options.base).resolve())
        elif options.base:
            for_train = ["--model_name_or_path", options.base, *for_train]
        # A process for each GPU, where there are several.
        gpus = torch.cuda.device_count()
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(gpus)]
        run(["train.py", *for_train], job, launcher=torchrun if gpus > 1 else [], **channels)

        inputs = job / "processing" / "input"
        (made / "test").rename(inputs / "test")
        (inputs / "model").mkdir()
        with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz") as archive:
            archive.add(job / "model", arcname=".")
        run(["evaluate.py"], job)

        shutil.copytree(job / "model", options.output / "model")
        shutil.copy(job / "output" / "data" / "training.json", options.output)
        for name in ("manifest", "evaluation"):
            shutil.copytree(made / name, options.output / name)
    print(f"\nThe model: {options.output / 'model'}\nHow good it is: {options.output}/evaluation/report.html")


def copy_data(data: Path, channel: Path) -> None:
    """Copy the texts to where prepare.py looks for them."""
    if (data / "train").is_dir():
        shutil.copytree(data, channel)
    elif data.is_dir():
        shutil.copytree(data, channel / "train")
    else:
        (channel / "train").mkdir(parents=True)
        shutil.copy(data, channel / "train")


def run(command: list[str], job: Path, launcher: list[str] | None = None, **environment: str) -> None:
    """Run a script of training_code/, which says by itself what fails."""
    script, *arguments = command
    finished = subprocess.run(
        [sys.executable, *(launcher or []), str(ROOT / "training_code" / script), *arguments],
        env={**os.environ, **environment, "SAGEMAKER_BASE_DIR": str(job)},
        check=False,
    )
    if finished.returncode:
        sys.exit(finished.returncode)


if __name__ == "__main__":
    main()
