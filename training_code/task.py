"""What a model is to learn, by the rows: which labels there are, and whether a text may have several."""

from collections.abc import Iterable, Sequence

from rows import Row

MULTI_LABEL = "multi_label_classification"
SINGLE_LABEL = "single_label_classification"

THRESHOLD = 0.5
"""The probability from which on a label counts as the answer of a multi-label model."""


def problem_type(rows: Sequence[Row]) -> str:
    """Return `MULTI_LABEL` or `SINGLE_LABEL`, by the name that a model's configuration has it under.

    https://huggingface.co/docs/transformers/main_classes/configuration
    """
    return MULTI_LABEL if rows[0].multi_label else SINGLE_LABEL


def label_names(rows: Iterable[Row]) -> list[str]:
    """Return the names of all labels that occur, sorted."""
    return sorted({label for row in rows for label in row.labels})


def told(labels: Sequence[str]) -> str:
    """Return the labels of a text as a person reads them."""
    return ", ".join(labels) or "no label"
