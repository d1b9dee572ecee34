"""Checkpoints of a training that may be interrupted, and which of them another start goes on from.

SageMaker copies /opt/ml/checkpoints to S3 while the job writes to it, and back before the job starts again.
An interruption can leave half a checkpoint there, or a file that was copied half written.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

import hashlib
import json
import shutil
import time
from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

# Written when all other files of a checkpoint are: their names and digests.
_SEAL = "complete.json"
# SageMaker marks the files that it copies by files beside them, which come and go:
# https://github.com/aws/sagemaker-xgboost-container/blob/master/src/sagemaker_xgboost_container/checkpointing.py
_MARKER = ".sagemaker-"


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
    """Return the Trainer's state as it was when it wrote the checkpoint."""
    return TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))


def best(checkpoint: Path) -> Path:
    """Return the checkpoint that validates best up to `checkpoint`, and may be it."""
    # The Trainer records a whole path, and the folder may have moved since.
    return checkpoint.with_name(Path(read_state(checkpoint).best_model_checkpoint).name)


class Checkpoints(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Makes the Trainer's checkpoints such that a training resumed from one ends as if never interrupted.

    It also records in each validation's log entry how long training took, the time before an interruption
    included: the Trainer's own figure begins with the resumption, yet counts the samples of the whole.
    """

    _started: float

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Take over what an interrupted training left in the state."""
        seconds = [entry["train_seconds"] for entry in state.log_history if "train_seconds" in entry]
        self._started = time.monotonic() - max(seconds, default=0)
        if state.best_model_checkpoint:
            state.best_model_checkpoint = str(Path(args.output_dir, Path(state.best_model_checkpoint).name))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Leave saving to the end of the epoch.

        The Trainer saves after the last step too, before it validates: a training resumed from that
        would never validate its last epoch.
        """
        control.should_save = False

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Record how long training took up to here."""
        state.log_history[-1]["train_seconds"] = time.monotonic() - self._started

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Seal the checkpoint that was just written, if it is one to resume from."""
        if not args.save_only_model:
            checkpoint = Path(args.output_dir, f"checkpoint-{state.global_step}")
            seal = json.dumps({path.name: _digest(path) for path in _files(checkpoint)}, indent=2)
            (checkpoint / _SEAL).write_text(seal + "\n", encoding="utf-8")


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("checkpoint-"))


def _files(checkpoint: Path) -> list[Path]:
    return sorted(path for path in checkpoint.iterdir() if path.name != _SEAL and _MARKER not in path.name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_complete(checkpoint: Path) -> bool:
    try:
        seal = json.loads((checkpoint / _SEAL).read_text(encoding="utf-8"))
        return all(_digest(checkpoint / name) == digest for name, digest in seal.items())
    except (OSError, ValueError):
        # A file is missing, or the seal itself was copied half written.
        return False
