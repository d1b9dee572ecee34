"""Pre-trains nunchi-mini, the model of data/base_model: corpus.py, then tokenizer.py, then pretrain.py."""

import sys
from collections.abc import Callable
from pathlib import Path

# Texts are normalised, and mistakes reported, by the modules that the jobs have.
sys.path.append(str(Path(__file__).resolve().parents[1] / "training_code"))

from contract import UserError


def command(main: Callable[[], None]) -> None:
    """Run a script; a mistake of who started it ends it with one line and status 1."""
    try:
        main()
    except UserError as error:
        raise SystemExit(f"error: {error}") from error
