"""Processing job: score the candidate, and the serving champion if there is one, on the same held-out rows.

in:  processing/input/{model,test} and optionally processing/input/champion
out: processing/output/evaluation: evaluation.json, which the gate reads; model_quality.json, which
     SageMaker's model registry shows; confusion_matrix.json; confusion_matrix.png, reliability.png and
     report.html
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
        UserError: its archive is no model, or a row has a label that the model does not know.
    """
    archive = processing_dir(f"input/{name}") / "model.tar.gz"
    # Texts of one length share a request, so that padding is little.
    order = sorted(range(len(rows)), key=lambda index: len(rows[index].text))
    predictions: dict[int, Prediction] = {}
    with tempfile.TemporaryDirectory() as folder:
        model = ServedModel(archive, Path(folder))
        if unknown := sorted({row.label for row in rows} - set(model.labels)):
            raise UserError(
                f"test.jsonl has labels that {archive} does not know: {', '.join(unknown)}; "
                f"it knows {', '.join(model.labels)}"
            )
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            answers = model.predict([rows[index].text for index in chosen])
            predictions.update(zip(chosen, answers, strict=True))
        measured = latency(model, [row.text for row in rows])
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
    actual = [row.label for row in rows]
    matrix = confusion(actual, [prediction.label for prediction in candidate.predictions], labels)
    calibrations = {"candidate": evaluation["calibration"]}
    if evaluation["champion"]:
        calibrations["champion"] = evaluation["champion"]["calibration"]
    pictures = {
        "confusion_matrix": draw_confusion_matrix(matrix, labels),
        "reliability": draw_reliability(calibrations),
    }

    output = processing_dir("output/evaluation")
    output.mkdir(parents=True, exist_ok=True)
    _write_json(output / "evaluation.json", evaluation)
    _write_json(output / "model_quality.json", model_quality(actual, candidate.predictions, labels))
    _write_json(output / "confusion_matrix.json", {"labels": labels, "matrix": matrix})
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
