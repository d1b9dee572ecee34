"""What a person decides from: the evaluation as one HTML file that needs no other."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation import Answers, Evaluation, SliceFigures
from pages import page
from rows import Row
from served_model import Prediction
from slices import SLICES
from task import MULTI_LABEL, THRESHOLD, told

# Enough to see what kind they are of, few enough to read.
_MISTAKES, _DISAGREEMENTS = 12, 30


@dataclass(frozen=True)
class Example:
    """A text, or a pair, with its true labels, and what the models say of it."""

    row: Row
    candidate: Prediction
    champion: Prediction | None

    @property
    def is_mistake(self) -> bool:
        """Whether the candidate is wrong."""
        return not self.candidate.is_right(self.row)

    @property
    def is_disagreement(self) -> bool:
        """Whether the models answer differently."""
        return self.champion is not None and set(self.champion.labels) != set(self.candidate.labels)

    @property
    def sureness(self) -> float:
        """Of all the models together: the sum of their probabilities."""
        return self.candidate.score + (self.champion.score if self.champion else 0)


def examples(rows: Sequence[Row], candidate: Answers, champion: Answers | None) -> list[Example]:
    """Return every row with the answers to it."""
    theirs = champion.predictions if champion else [None] * len(rows)
    return [
        Example(row, ours, other)
        for row, ours, other in zip(rows, candidate.predictions, theirs, strict=True)
    ]


def render(
    evaluation: Evaluation, labels: Sequence[str], rows: Sequence[Example], pictures: Mapping[str, bytes]
) -> str:
    """Return the report. `pictures` are PNGs: `reliability` and, of single labels, `confusion_matrix`."""
    mistakes = sorted(
        (row for row in rows if row.is_mistake), key=lambda row: row.candidate.score, reverse=True
    )
    disagreements = sorted(
        (row for row in rows if row.is_disagreement), key=lambda row: row.sureness, reverse=True
    )
    return page(
        "report.html.j2",
        candidate=evaluation,
        multi_label=evaluation["problem_type"] == MULTI_LABEL,
        threshold=THRESHOLD,
        told=told,
        champion=evaluation["champion"],
        difference=evaluation["difference"],
        mcnemar=evaluation["mcnemar"],
        slices=evaluation["slices"],
        worse=[one["name"] for one in evaluation["slices"] if _is_worse(one)],
        what={name: contains.__doc__ for name, contains in SLICES.items()},
        labels=labels,
        mistakes=mistakes[:_MISTAKES],
        disagreements=disagreements[:_DISAGREEMENTS],
        disagreement_count=len(disagreements),
        pictures={name: base64.b64encode(png).decode("ascii") for name, png in pictures.items()},
    )


def _is_worse(one: SliceFigures) -> bool:
    champion = one["champion"]
    return champion is not None and champion["beyond_chance"] and one["accuracy"] < champion["accuracy"]
