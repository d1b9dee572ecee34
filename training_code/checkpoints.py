"""Checkpoints of a training that may be interrupted, and which of them another start goes on from.

SageMaker copies /opt/ml/checkpoints to S3 while the job writes to it, and back before the job starts again.
An interruption can leave half a checkpoint there, or a file that was copied half written.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

import hashlib
import json
import shutil
from pathlib import Path

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from transformers import TrainerState

# Written when all other files of a checkpoint are: their names and digests.
_SEAL = "complete.json"
# SageMaker marks the files that it copies by files beside them, which come and go:
# https://github.com/aws/sagemaker-xgboost-container/blob/master/src/sagemaker_xgboost_container/checkpointing.py
_MARKER = ".sagemaker-"


def resumed(folder: Path) -> Path | None:
    """Return what `newest_complete` finds, the same in all processes, and say so in the log."""
    name: list[str | None] = [None]
    # Only one may remove what is no use.
    if PartialState().is_main_process and (last := newest_complete(folder)):
        print(f"[setup] resumes from {last.name}", flush=True)
        name = [last.name]
    broadcast_object_list(name)
    return folder / name[0] if name[0] else None


def newest_complete(folder: Path) -> Path | None:
    """Return the checkpoint to go on from; None if there is none. What is newer, and no use, is removed.

    A checkpoint is of use only together with the best one up to it, which may become the model.
    """
    checkpoints = [path for path in folder.glob("checkpoint-*") if path.is_dir()]
    for checkpoint in sorted(checkpoints, key=_step, reverse=True):
        if not _is_complete(checkpoint):
            lacks = "it is not complete"
        elif not _is_complete(best(checkpoint)):
            lacks = f"the best one before it, {best(checkpoint).name}, is not complete"
        else:
            return checkpoint
        print(f"[setup] passes over {checkpoint.name}: {lacks}", flush=True)
        # Where SageMaker marks files in it at this moment, part of it stays, as incomplete as it was.
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def read_state(checkpoint: Path) -> TrainerState:
    """Return the state of the training as it was when it wrote the checkpoint."""
    return TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))


def best(checkpoint: Path) -> Path:
    """Return the checkpoint that validates best up to `checkpoint`, and may be it."""
    # A whole path is recorded, and the folder may have moved since.
    return checkpoint.with_name(Path(read_state(checkpoint).best_model_checkpoint).name)


def seal(checkpoint: Path) -> None:
    """Mark the checkpoint as written to its end."""
    digests = json.dumps({path.name: _digest(path) for path in _files(checkpoint)}, indent=2)
    (checkpoint / _SEAL).write_text(digests + "\n", encoding="utf-8")


def rotate(newest: Path) -> None:
    """Remove what neither a resumption nor the model needs: two stay.

    What is deleted here SageMaker deletes in S3, where the newest may not have arrived yet: one before it,
    the best or the last but one, must outlive it.
    """
    others = sorted((path for path in newest.parent.glob("checkpoint-*") if path != newest), key=_step)
    stays = best(newest) if best(newest) != newest else others[-1] if others else newest
    for path in others:
        if path != stays:
            shutil.rmtree(path, ignore_errors=True)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("checkpoint-"))


def _files(checkpoint: Path) -> list[Path]:
    return sorted(path for path in checkpoint.iterdir() if path.name != _SEAL and _MARKER not in path.name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_complete(checkpoint: Path) -> bool:
    try:
        sealed = json.loads((checkpoint / _SEAL).read_text(encoding="utf-8"))
        return all(_digest(checkpoint / name) == digest for name, digest in sealed.items())
    except (OSError, ValueError):
        # A file is missing, or the seal itself was copied half written.
        return False
