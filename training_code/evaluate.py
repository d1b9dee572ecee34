"""Processing job: score the candidate, and the serving champion if there is one, on the same held-out rows.

in:  processing/input/{model,test} and optionally processing/input/champion
out: processing/output/evaluation: evaluation.json, which the gate reads; model_quality.json, which
     SageMaker's model registry shows; reliability.png and report.html; and, unless a text may have several
     labels, confusion_matrix.json and confusion_matrix.png
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arguments import parse
from contract import UserError, processing_dir, run
from evaluation import Answers, assess
from latency import latency
from metrics import confusion
from model_quality import model_quality
from pictures import draw_confusion_matrix, draw_reliability
from report import examples, render
from rows import Row, read_jsonl
from served_model import Prediction, ServedModel
from task import MULTI_LABEL


@dataclass
class Arguments:
    """Arguments of evaluate.py."""

    batch_size: int = field(default=64, metadata={"help": "texts in one request to the model's handlers"})

    def __post_init__(self) -> None:
        """Refuse an empty batch."""
        if self.batch_size < 1:
            raise UserError(f"batch_size {self.batch_size} must be above 0")


def score(name: str, rows: Sequence[Row], batch_size: int) -> Answers:
    """Return what the model in input folder `name` answers to the rows.

    Raises:
        UserError: its archive is no model, or the rows are not what it was made for.
    """
    archive = processing_dir(f"input/{name}") / "model.tar.gz"
    # Texts of one length share a request, so that padding is little.
    order = sorted(range(len(rows)), key=lambda index: len(rows[index].whole))
    predictions: dict[int, Prediction] = {}
    with tempfile.TemporaryDirectory() as folder:
        model = ServedModel(archive, Path(folder))
        model.check(rows, "test.jsonl")
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            answers = model.predict([rows[index].inputs for index in chosen])
            predictions.update(zip(chosen, answers, strict=True))
        measured = latency(model, rows)
    print(f"[evaluate] {name}: {len(rows)} rows scored", flush=True)
    return Answers(model.labels, [predictions[index] for index in range(len(rows))], measured)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job."""
    batch_size = parse(Arguments, argv).batch_size
    rows = read_jsonl(processing_dir("input/test") / "test.jsonl")
    candidate = score("model", rows, batch_size)
    labels = candidate.labels
    champion: Answers | None = None
    if processing_dir("input/champion").is_dir():
        champion = score("champion", rows, batch_size)
        if set(champion.labels) != set(labels):
            raise UserError(
                f"the candidate knows the labels {', '.join(labels)}, "
                f"the champion {', '.join(champion.labels)}: they cannot be compared"
            )

    evaluation = assess(rows, candidate, champion)
    calibrations = {"candidate": evaluation["calibration"]}
    if evaluation["champion"]:
        calibrations["champion"] = evaluation["champion"]["calibration"]
    pictures = {"reliability": draw_reliability(calibrations)}

    output = processing_dir("output/evaluation")
    output.mkdir(parents=True, exist_ok=True)
    if evaluation["problem_type"] != MULTI_LABEL:
        predicted = [prediction.labels[0] for prediction in candidate.predictions]
        matrix = confusion([row.label for row in rows], predicted, labels)
        pictures["confusion_matrix"] = draw_confusion_matrix(matrix, labels)
        _write_json(output / "confusion_matrix.json", {"labels": labels, "matrix": matrix})
    _write_json(output / "evaluation.json", evaluation)
    _write_json(output / "model_quality.json", model_quality(rows, candidate.predictions, labels))
    for name, picture in pictures.items():
        (output / f"{name}.png").write_bytes(picture)
    page = render(evaluation, labels, examples(rows, candidate, champion), pictures)
    (output / "report.html").write_text(page, encoding="utf-8")
    print(
        f"[evaluate] accuracy={evaluation['accuracy']:.4f} macro_f1={evaluation['macro_f1']:.4f}"
        + (f" champion_accuracy={evaluation['champion']['accuracy']:.4f}" if evaluation["champion"] else ""),
        flush=True,
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main, reason_file="message")
