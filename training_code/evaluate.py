"""Processing job: score the candidate, and the serving champion if there is one, on the same held-out rows.

in:  processing/input/{model,test} and optionally processing/input/champion
out: processing/output/evaluation: evaluation.json, confusion_matrix.json, confusion_matrix.png, report.html
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arguments import parse
from contract import UserError, processing_dir, run
from metrics import Metrics, confusion, measure
from report import Comparison, Mistake, draw_confusion_matrix, render
from rows import Row, read_jsonl
from served_model import Prediction, ServedModel

# Enough to see what kind they are of, few enough to read.
_MISTAKES = 12


@dataclass
class Arguments:
    """Arguments of evaluate.py."""

    batch_size: int = field(default=64, metadata={"help": "texts in one request to the model's handlers"})

    def __post_init__(self) -> None:
        """Refuse an empty batch."""
        if self.batch_size < 1:
            raise UserError(f"batch_size {self.batch_size} must be above 0")


def score(name: str, rows: Sequence[Row], batch_size: int) -> tuple[list[str], list[Prediction]]:
    """Return the labels that the model in input folder `name` knows, and its prediction for each row.

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
    print(f"[evaluate] {name}: {len(rows)} rows scored", flush=True)
    return model.labels, [predictions[index] for index in range(len(rows))]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job."""
    batch_size = parse(Arguments, argv).batch_size
    rows = read_jsonl(processing_dir("input/test") / "test.jsonl")
    actual = [row.label for row in rows]
    labels, predictions = score("model", rows, batch_size)
    predicted = [prediction.label for prediction in predictions]
    candidate = measure(actual, predicted, labels)

    champion: Metrics | None = None
    comparison: Comparison | None = None
    answers: list[str | None] = [None] * len(rows)
    if processing_dir("input/champion").is_dir():
        champion_labels, champion_predictions = score("champion", rows, batch_size)
        if set(champion_labels) != set(labels):
            raise UserError(
                f"the candidate knows the labels {', '.join(labels)}, "
                f"the champion {', '.join(champion_labels)}: they cannot be compared"
            )
        champion_predicted = [prediction.label for prediction in champion_predictions]
        champion = measure(actual, champion_predicted, labels)
        answers = [*champion_predicted]
        pairs = [
            (a == new, a == old) for a, new, old in zip(actual, predicted, champion_predicted, strict=True)
        ]
        comparison = Comparison(mended=pairs.count((True, False)), broken=pairs.count((False, True)))

    mistakes = [
        Mistake(row.text, row.label, prediction.label, prediction.score, answer)
        for row, prediction, answer in zip(rows, predictions, answers, strict=True)
        if prediction.label != row.label
    ]
    mistakes.sort(key=lambda mistake: mistake.score, reverse=True)
    matrix = confusion(actual, predicted, labels)
    picture = draw_confusion_matrix(matrix, labels)

    output = processing_dir("output/evaluation")
    output.mkdir(parents=True, exist_ok=True)
    _write_json(output / "evaluation.json", {"rows": len(rows), **candidate, "champion": champion})
    _write_json(output / "confusion_matrix.json", {"labels": labels, "matrix": matrix})
    (output / "confusion_matrix.png").write_bytes(picture)
    page = render(labels, len(rows), candidate, champion, comparison, mistakes[:_MISTAKES], picture)
    (output / "report.html").write_text(page, encoding="utf-8")
    print(
        f"[evaluate] accuracy={candidate['accuracy']:.4f} macro_f1={candidate['macro_f1']:.4f}"
        + (f" champion_accuracy={champion['accuracy']:.4f}" if champion else ""),
        flush=True,
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main, reason_file="message")
