"""What benchmarks/training.py holds a training against: the device's ceiling, the memory that it needs."""

from __future__ import annotations

import re
import resource
import time
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedModel

from batches import order
from objective import losses

if TYPE_CHECKING:
    from encoding import Integers
    from native_loop import NativeLoop

_PROFILED_STEPS = 20
# By what a kernel is called.
_KINDS = {
    "matrix products": r"gemm|cutlass|nvjet|sm\d+_xmma|addmm|::mm|linear",
    "attention": r"flash|fmha|attention|softmax",
    "optimiser and clipping": r"adam|multi_tensor|foreach|norm_kernel|lpnorm",
    "copies and casts": r"copy|memcpy|memset|cast",
}


def flops(model: PreTrainedModel, tokens: int, length: float) -> float:
    """Floating-point operations of training on `tokens`, in texts of `length`; backward is twice forward.

    Matrix products of the layers and of attention, as in PaLM's appendix B: https://arxiv.org/abs/2204.02311
    """
    tables = {id(one.weight) for one in model.modules() if isinstance(one, torch.nn.Embedding)}
    products = sum(one.numel() for one in model.parameters() if one.ndim > 1 and id(one) not in tables)
    config = model.config
    attention = 2 * config.num_hidden_layers * config.hidden_size * length
    return 6.0 * tokens * float(products + attention)


def ceiling(device: torch.device, precision: str) -> float:
    """Operations a second of a large matrix product on this device, by what trains: measured now."""
    size = 8192 if device.type == "cuda" else 1536
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16, "no": torch.float32}[precision]
    left, right = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    best = float("inf")
    for _ in range(8):
        started = time.perf_counter()
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def resident_bytes() -> int:
    """Memory of this process: on a GPU what PyTorch has of the device, else what is resident."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def peak_bytes(before: int) -> int:
    """The most memory that training took, beyond the `before` of libraries and texts."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before


def memory_ratio(model: PreTrainedModel, loop: NativeLoop) -> float:
    """The peak of the widest step's tensors, to the weights, the optimiser and what its forward keeps."""
    lengths = loop._train.lengths
    steps = order(lengths, loop._batch_size, loop._arguments.seed, 0)
    widest = max(steps, key=lambda step: int(lengths[step].max()) * len(step))
    weights = {
        one.untyped_storage().data_ptr(): one for one in (*model.parameters(), *loop._model.parameters())
    }
    states = loop._optimizer.optimizer.state.values()
    moments = [value for state in states for value in state.values() if torch.is_tensor(value)]
    needed = _bytes(model.parameters()) + _bytes(moments) + _kept_bytes(loop, widest, set(weights))
    held = _bytes(weights.values()) + _bytes(moments)
    return (held + _peak_bytes(loop, widest)) / needed


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(one.numel() * one.element_size() for one in tensors)


def _kept_bytes(loop: NativeLoop, rows: Integers, own: set[int]) -> int:
    """What the forward keeps for the backward, but for the weights."""
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    inputs = loop._train.batch(rows)
    labels = inputs.pop("labels")
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = losses(loop._model(**inputs).logits, labels).mean()
    del loss
    return sum(kept.values())


def _peak_bytes(loop: NativeLoop, rows: Integers) -> int:
    """The most that a step has beyond what was there before it."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        loop.step(rows)
        return torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profiled:
        loop.step(rows)
    assert profiled.profiler and profiled.profiler.kineto_results
    changes = [one for one in profiled.profiler.kineto_results.events() if one.name() == "[memory]"]
    changes.sort(key=lambda one: one.start_ns())
    return max(accumulate(int(one.nbytes()) for one in changes))


def profile(loop: NativeLoop) -> dict[str, float]:
    """Where the time of some steps goes on a GPU, as shares of it; nothing on a CPU."""
    if not torch.cuda.is_available():
        return {}
    steps = order(loop._train.lengths, loop._batch_size, loop._arguments.seed, 0)[:_PROFILED_STEPS]
    torch.cuda.synchronize()
    started = time.perf_counter()
    for step in steps:
        loop.step(step)
    torch.cuda.synchronize()
    whole = time.perf_counter() - started
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiled:
        for step in steps:
            loop.step(step)
        torch.cuda.synchronize()
    seconds: Counter[str] = Counter()
    for event in profiled.key_averages():
        kind = next(
            (kind for kind, names in _KINDS.items() if re.search(names, event.key, re.IGNORECASE)), ""
        )
        seconds[kind or "element by element"] += event.self_device_time_total / 1e6
    shares = {name: round(value / whole, 4) for name, value in seconds.most_common()}
    return {**shares, "the GPU waits for the CPU": round(max(0.0, 1 - sum(shares.values())), 4)}
