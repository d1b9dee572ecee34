"""What an evaluation finds out, from the answers of the candidate and of the champion to the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from calibration import Calibration, calibrate
from latency import Latency
from metrics import Metrics, measure
from rows import Row
from served_model import Prediction
from significance import Interval, McNemar, accuracy_interval, difference_interval, mcnemar
from slices import SLICES
from task import MULTI_LABEL, problem_type

BEYOND_CHANCE = 0.005
"""p below which a model counts as different on a slice. There are seven slices, and only a drop does harm:
of candidates that are as good as the champion, fewer than one in fifty is found worse on any."""


@dataclass(frozen=True)
class Answers:
    """Of one model, one prediction a row."""

    labels: list[str]
    """That the model knows, by id."""
    predictions: list[Prediction]
    latency: Latency


class ModelFigures(Metrics):
    """Of one model."""

    calibration: Calibration
    latency: Latency


class SliceChampion(TypedDict):
    """The champion on a slice; p is McNemar's, and beyond_chance whether it is below `BEYOND_CHANCE`."""

    accuracy: float
    p: float
    beyond_chance: bool


class SliceFigures(TypedDict):
    """Of the rows of one kind (`slices.py`)."""

    name: str
    rows: int
    accuracy: float
    accuracy_interval: Interval
    champion: SliceChampion | None


class Difference(TypedDict):
    """The candidate's accuracy less the champion's."""

    accuracy: float
    interval: Interval


class Evaluation(ModelFigures):
    """What evaluation.json holds, and the gate reads: the candidate's figures, and what is beside them."""

    problem_type: str
    """`MULTI_LABEL` or `SINGLE_LABEL`."""
    rows: int
    slices: list[SliceFigures]
    """Those that have rows."""
    champion: ModelFigures | None
    """Null where there is none; then so are the two below, and every slice's."""
    difference: Difference | None
    mcnemar: McNemar | None


def assess(rows: Sequence[Row], candidate: Answers, champion: Answers | None) -> Evaluation:
    """Return what there is to tell. Both models know the same labels."""
    right = _right(rows, candidate)
    evaluation: Evaluation = {
        **_figures(rows, candidate),
        "problem_type": problem_type(rows),
        "rows": len(rows),
        "slices": [],
        "champion": None,
        "difference": None,
        "mcnemar": None,
    }
    if champion is None:
        evaluation["slices"] = _slices(rows, right, None)
        return evaluation
    theirs = _figures(rows, champion)
    champion_right = _right(rows, champion)
    test = _compare(right, champion_right)
    evaluation["slices"] = _slices(rows, right, champion_right)
    evaluation["champion"] = theirs
    evaluation["mcnemar"] = test
    evaluation["difference"] = {
        "accuracy": evaluation["accuracy"] - theirs["accuracy"],
        "interval": difference_interval(test["mended"], test["broken"], len(rows)),
    }
    return evaluation


def _right(rows: Sequence[Row], answers: Answers) -> list[bool]:
    return [one.is_right(row) for row, one in zip(rows, answers.predictions, strict=True)]


def _figures(rows: Sequence[Row], answers: Answers) -> ModelFigures:
    predicted = [prediction.labels for prediction in answers.predictions]
    return {
        **measure([row.labels for row in rows], predicted, answers.labels),
        "calibration": calibrate(*_certain_and_right(rows, answers)),
        "latency": answers.latency,
    }


def _certain_and_right(rows: Sequence[Row], answers: Answers) -> tuple[list[float], list[bool]]:
    """Return how sure the model is of each thing that it says, and whether it is right.

    Of a row it says one, which label it has; or, if it may have several, of each label whether it is there.
    """
    certain = [certainty for one in answers.predictions for certainty in one.certainties]
    if problem_type(rows) != MULTI_LABEL:
        return certain, _right(rows, answers)
    return certain, [
        (label in row.labels) == (label in one.labels)
        for row, one in zip(rows, answers.predictions, strict=True)
        for label in one.scores
    ]


def _slices(rows: Sequence[Row], right: list[bool], champion_right: list[bool] | None) -> list[SliceFigures]:
    found: list[SliceFigures] = []
    for name, contains in SLICES.items():
        chosen = [index for index, row in enumerate(rows) if contains(row.whole)]
        if not chosen:
            continue
        candidate = [right[index] for index in chosen]
        champion: SliceChampion | None = None
        if champion_right is not None:
            theirs = [champion_right[index] for index in chosen]
            p = _compare(candidate, theirs)["p"]
            champion = {"accuracy": sum(theirs) / len(theirs), "p": p, "beyond_chance": p < BEYOND_CHANCE}
        found.append(
            {
                "name": name,
                "rows": len(chosen),
                "accuracy": sum(candidate) / len(chosen),
                "accuracy_interval": accuracy_interval(sum(candidate), len(chosen)),
                "champion": champion,
            }
        )
    return found


def _compare(candidate: list[bool], champion: list[bool]) -> McNemar:
    pairs = list(zip(candidate, champion, strict=True))
    return mcnemar(mended=pairs.count((True, False)), broken=pairs.count((False, True)))
