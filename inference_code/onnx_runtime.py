"""ONNX Runtime as the runtime: what optimise.py made, on a CPU, without PyTorch and transformers."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray


class OnnxRuntime:
    """A model.onnx, loaded."""

    # More of them leave the caches: with KoELECTRA-small, 2048 take 1.2 times as long a text, 8192 1.8 times.
    batch_tokens = 512

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        """Take the names of the inputs from the graph."""
        self._session = session
        self.at_once = _cpus()
        self.input_names = frozenset(given.name for given in session.get_inputs())

    def logits(self, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return (batch, labels) of arrays (batch, tokens)."""
        logits: NDArray[np.float32]
        (logits,) = self._session.run(None, inputs)
        return logits


def load(model_dir: Path) -> OnnxRuntime:
    """Load `model_dir`/model.onnx, and the weights in weights.safetensors that it points to."""
    options = onnxruntime.SessionOptions()
    # optimise.py has had the graph optimised by this very version.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # It would plan, and keep, the memory for every shape of a batch that there ever was.
    options.enable_mem_pattern = False
    # To share out the operations of one text takes longer than to do them: 1.8 ms with two threads, 0.9 with
    # one. And two batches, each in a thread, take 0.7 of the time of one after the other, each in two.
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(model_dir / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    return OnnxRuntime(session)


def _cpus() -> int:
    # A container may have been given some of the machine's; macOS has no such thing.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
