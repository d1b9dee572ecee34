"""Where the time of the optimised archive goes, and what would be left if only the matrix products took any.

    .venv/bin/python benchmarks/serving_floor.py

It takes the archive that benchmarks/serving.py has made, asks for texts alone and for a list, and divides the
time in one thread among the handlers' parts and, by ONNX Runtime's own profile, the model's operations.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

KEPT = Path(__file__).resolve().parent.parent / "build" / "benchmarks" / "serving"
SINGLE = 500
LIST = 2_000
JSON = "application/json"


def timed(name: str, seconds: dict[str, float], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, which adds the seconds that it takes to `seconds[name]`."""

    def call(*arguments: Any) -> Any:
        began = perf_counter()
        try:
            return function(*arguments)
        finally:
            seconds[name] += perf_counter() - began

    return call


def shares(profile: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The part of each kind of operation in the time of all, by ONNX Runtime's profile."""
    kinds = defaultdict[str, float](float)
    for event in profile:
        if event["name"].endswith("_kernel_time"):
            operation = event["args"]["op_name"]
            product = "MatMul" in operation or operation == "Gemm"
            kinds["matrix products" if product else operation] += event["dur"]
    whole = sum(kinds.values())
    return {kind: spent / whole for kind, spent in kinds.items()}


def parts(handlers: Any, model: Any, requests: Sequence[str | list[str]]) -> dict[str, float]:
    """The seconds of each part of the handlers for these requests, in one thread."""
    seconds = defaultdict[str, float](float)
    read, predict, write = (
        timed(name, seconds, function)
        for name, function in (
            ("reading", handlers.input_fn),
            ("predict", handlers.predict_fn),
            ("writing", handlers.output_fn),
        )
    )
    runtime = model.runtime
    with patch.multiple(runtime, at_once=1, logits=timed("model", seconds, runtime.logits)):
        for inputs in requests:
            write(predict(read(json.dumps({"inputs": inputs}), JSON), model), JSON)
    predicting = seconds.pop("predict")
    return {**seconds, "tokenising, sorting, batching": predicting - seconds["model"]}


def profiled(handlers: Any, folder: Path, requests: Sequence[str | list[str]]) -> list[dict[str, Any]]:
    """ONNX Runtime's profile of these requests."""
    import onnxruntime  # the archive's own

    make = onnxruntime.SessionOptions

    def options() -> Any:
        made = make()
        made.enable_profiling = True
        made.profile_file_prefix = str(folder / "profile")
        return made

    with patch.object(onnxruntime, "SessionOptions", options):
        model = handlers.model_fn(str(folder))
    parts(handlers, model, requests)
    del model  # which writes the file
    (file,) = folder.glob("profile*.json")
    profile: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    return profile


def table(title: str, seconds: dict[str, float], kinds: dict[str, float]) -> str:
    """The parts of the time, of the model's its operations, and the floor."""
    whole, products = sum(seconds.values()), seconds["model"] * kinds["matrix products"]
    rows = {
        **{name: spent for name, spent in seconds.items() if name != "model"},
        # The profile is written meanwhile, so its own seconds are more.
        **{f"model: {kind}": seconds["model"] * share for kind, share in kinds.items()},
    }
    ordered = sorted(rows.items(), key=lambda row: -row[1])
    return "\n".join(
        [
            f"{title}: {whole:.2f} s",
            *(f"{name:48}{spent / whole:>6.1%}" for name, spent in ordered if spent >= whole / 1000),
            f"with nothing but the matrix products: {whole / products:.2f} times as fast",
        ]
    )


def main(archive: Path) -> None:
    """Print both tables."""
    with (KEPT / "trained" / "test.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        sys.path[:0] = [str(folder / "code" / "vendor"), str(folder / "code")]
        import inference as handlers  # the archive's own

        model = handlers.model_fn(str(folder))
        for title, requests in (
            (f"{SINGLE:,} requests for one text", texts[:SINGLE]),
            (f"A request for {LIST:,} texts", [texts[:LIST]]),
        ):
            seconds = parts(handlers, model, requests)
            print(table(title, seconds, shares(profiled(handlers, folder, requests))), end="\n\n")


if __name__ == "__main__":
    if not (KEPT / "optimised.tar.gz").is_file():
        sys.exit(f"{KEPT / 'optimised.tar.gz'} is not there: run benchmarks/serving.py first")
    main(KEPT / "optimised.tar.gz")
