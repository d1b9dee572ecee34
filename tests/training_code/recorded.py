"""train.py in a process of its own that writes down every step which it takes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

# A step of so small a model is over before anybody could kill it in the middle.
_STEP_SECONDS = 0.01
# Has imported PyTorch and transformers once, so that a start costs what a start of train.py's own code does.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["train", __name__])


def start(job: Path, arguments: list[str], record: Path) -> BaseProcess:
    """Start train.py on the job's folder; each step appends `[step, batch digest]` to `record`."""
    process = _CONTEXT.Process(target=_run, args=(job, arguments, record), daemon=True)
    process.start()
    return process


def read(record: Path) -> list[tuple[int, str]]:
    """The steps taken so far, in their order; a line that is still being written is left out."""
    if not record.exists():
        return []
    *whole, _ = record.read_text(encoding="utf-8").split("\n")
    return [(step, digest) for step, digest in map(json.loads, whole)]


def _run(job: Path, arguments: list[str], record: Path) -> None:
    import torch

    import train
    from batches import Inputs
    from native_loop import NativeLoop

    torch.set_num_threads(1)
    os.environ["SAGEMAKER_BASE_DIR"] = str(job)
    step, batch = NativeLoop.step, Inputs.batch
    seen: list[str] = []

    def batched(self: Any, rows: Any) -> Any:
        inputs = batch(self, rows)
        seen[:] = [hashlib.sha256(inputs["input_ids"].numpy().tobytes()).hexdigest()[:16]]
        return inputs

    def recorded(self: Any, rows: Any) -> None:
        step(self, rows)
        with record.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([self.state.global_step, *seen]) + "\n")
        time.sleep(_STEP_SECONDS)

    NativeLoop.step = recorded  # type: ignore[method-assign]
    Inputs.batch = batched  # type: ignore[method-assign]
    train.main(arguments)
