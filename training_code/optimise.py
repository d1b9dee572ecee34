"""Processing job: make the variant for CPUs of a trained model, and measure what it costs in accuracy.

in:  processing/input/model/model.tar.gz, processing/input/validation/validation.jsonl
out: processing/output/optimisation/optimisation.json, and processing/output/model/model.tar.gz; a model that
     has no such variant is no failure: the former then says why, and there is no archive
"""

import json
import platform
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import onnxruntime
import torch
import transformers
from transformers import AutoModelForSequenceClassification

from arguments import parse
from contract import UserError, processing_dir, run
from onnx_export import ExportError, export
from onnx_int8 import quantise
from optimised_archive import complete, pack
from rows import Row, read_jsonl
from served_model import ServedModel
from torch_runtime import TorchRuntime


@dataclass
class Arguments:
    """Arguments of optimise.py."""

    batch_size: int = field(default=512, metadata={"help": "texts in one request to the model's handlers"})

    def __post_init__(self) -> None:
        """Refuse an empty batch."""
        if self.batch_size < 1:
            raise UserError(f"batch_size {self.batch_size} must be above 0")


class Optimisation(TypedDict):
    """What optimisation.json holds, and the state machine reads; accuracies in fractions of 1."""

    exported: bool
    reason: str | None
    """Why not; the figures of the variant are null then."""
    rows: int
    accuracy: float
    optimised_accuracy: float | None
    accuracy_drop: float | None
    bytes: int
    optimised_bytes: int | None
    versions: dict[str, str]


def accuracy(name: str, model: ServedModel, rows: Sequence[Row], batch_size: int) -> float:
    """Return the part of the rows that the model's handlers answer right."""
    right = 0
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        answers = model.predict([row.inputs for row in batch])
        right += sum(answer.is_right(row) for row, answer in zip(batch, answers, strict=True))
    print(f"[optimise] {name}: {len(rows)} rows scored, accuracy={right / len(rows):.4f}", flush=True)
    return right / len(rows)


def build(trained: Path, folder: Path) -> None:
    """Put into `folder` what the optimised archive of the extracted one in `trained` holds."""
    model = AutoModelForSequenceClassification.from_pretrained(
        trained,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        torch_dtype=torch.float32,
        attn_implementation="eager",
    )
    names = sorted(TorchRuntime(model).input_names)
    # The runtime takes a GPU where there is one.
    model.cpu()
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as temporary:
        graph = Path(temporary) / "model.onnx"
        export(model, names, graph)
        quantise(graph, weights, folder)
    complete(trained, folder)


def optimise(archive: Path, optimised: Path, rows: Sequence[Row], batch_size: int) -> Optimisation:
    """Write to `optimised` the variant of `archive`, if it has one, and return what came of it.

    Raises:
        UserError: the archive is no model, or the rows are not what it was made for.
    """
    with tempfile.TemporaryDirectory() as temporary:
        trained, built, extracted = (Path(temporary) / name for name in ("trained", "built", "extracted"))
        model = ServedModel(archive, trained)
        model.check(rows, "validation.jsonl")
        result: Optimisation = {
            "exported": False,
            "reason": None,
            "rows": len(rows),
            "accuracy": accuracy("PyTorch", model, rows, batch_size),
            "optimised_accuracy": None,
            "accuracy_drop": None,
            "bytes": archive.stat().st_size,
            "optimised_bytes": None,
            "versions": {
                "python": platform.python_version(),
                **{library.__name__: library.__version__ for library in (torch, transformers, onnxruntime)},
            },
        }
        try:
            built.mkdir()
            build(trained, built)
            pack(built, optimised)
            variant = ServedModel(optimised, extracted)
            optimised_accuracy = accuracy("ONNX Runtime", variant, rows, batch_size)
        except Exception as error:
            # A model must not fail for what would only make it faster.
            traceback.print_exc()
            optimised.unlink(missing_ok=True)
            said = str(error).strip().partition("\n")[0]
            result["reason"] = said if isinstance(error, ExportError) else f"{type(error).__name__}: {said}"
            return result
        result["exported"] = True
        result["optimised_accuracy"] = optimised_accuracy
        result["accuracy_drop"] = result["accuracy"] - optimised_accuracy
        result["optimised_bytes"] = optimised.stat().st_size
    return result


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job."""
    batch_size = parse(Arguments, argv).batch_size
    rows = read_jsonl(processing_dir("input/validation") / "validation.jsonl")
    archive = processing_dir("input/model") / "model.tar.gz"
    for name in ("output/model", "output/optimisation"):
        processing_dir(name).mkdir(parents=True, exist_ok=True)
    result = optimise(archive, processing_dir("output/model") / archive.name, rows, batch_size)
    (processing_dir("output/optimisation") / "optimisation.json").write_text(
        json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    if result["exported"]:
        print(
            f"[optimise] accuracy_drop={result['accuracy_drop']:.4f} "
            f"bytes={result['bytes']} optimised_bytes={result['optimised_bytes']}",
            flush=True,
        )
    else:
        print(f"[optimise] no variant for CPUs: {result['reason']}", flush=True)


if __name__ == "__main__":
    run(main, reason_file="message")
