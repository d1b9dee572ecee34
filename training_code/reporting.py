"""What a training says while it goes on, whichever loop it goes by."""

import math

from tqdm import tqdm
from transformers import TrainerState

from contract import UserError
from tracking import Log


class Reporter:
    """Prints the lines that the training job's metric definitions look for, and hands the metrics on."""

    def __init__(self, log: Log) -> None:
        """Hand the metrics to `log`."""
        self._log = log

    def trained(self, state: TrainerState, entry: dict[str, float]) -> None:
        """Tell of some steps of training: `loss` and `learning_rate`."""
        self._print(
            f"[train] step={state.global_step} epoch={entry['epoch']:.2f} loss={entry['loss']:.4f} "
            f"learning_rate={entry['learning_rate']:.3g}"
        )
        self._log({"train_loss": entry["loss"], "learning_rate": entry["learning_rate"]}, state.global_step)

    def validated(self, state: TrainerState, entry: dict[str, float]) -> None:
        """Tell of an epoch's validation: `eval_loss` and `eval_accuracy`.

        Raises:
            UserError: the loss is not a number.
        """
        loss, accuracy = entry["eval_loss"], entry["eval_accuracy"]
        self._print(f"[validation] epoch={entry['epoch']:.2f} loss={loss:.4f} accuracy={accuracy:.4f}")
        if not math.isfinite(loss):
            raise UserError("the validation loss is not a number: lower learning_rate, or set fp16 to False")
        self._log({"validation_loss": loss, "validation_accuracy": accuracy}, state.global_step)

    @staticmethod
    def _print(line: str) -> None:
        # Above the progress bar, where there is one.
        tqdm.write(line)
