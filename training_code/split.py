"""Which side a text, or a pair of texts, is on: it depends on nothing else, so that none is on two."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from progress import watched
from records import Record

# The fractions are counted in thousandths.
_BUCKETS = 1000


@dataclass(frozen=True)
class Distinct:
    """Rows by what becomes of them."""

    kept: list[Record]
    """Each text, or pair of texts, once, in the order of the rows."""
    duplicates: list[Record]
    """The further rows of the texts that are kept."""
    conflicting: list[Record]
    """All rows of the texts whose rows do not agree on the labels."""


def distinct(records: Sequence[Record]) -> Distinct:
    """Sort the rows."""
    labels: dict[tuple[str, ...], tuple[str, ...]] = {}
    torn = {
        record.texts for record in records if labels.setdefault(record.texts, record.labels) != record.labels
    }
    found = Distinct([], [], [])
    seen = set()
    for record in watched(records, "[prepare] looking for duplicates"):
        if record.texts in torn:
            found.conflicting.append(record)
        elif record.texts in seen:
            found.duplicates.append(record)
        else:
            found.kept.append(record)
            seen.add(record.texts)
    return found


def bucket(*texts: str) -> int:
    """Return the place of a text, or of a pair in either order, among the thousandths of a split.

    It is the same for ever.
    """
    # No normalised text has a control character.
    whole = "\0".join(sorted(texts))
    return int(hashlib.sha256(whole.encode("utf-8")).hexdigest(), 16) % _BUCKETS


def split(
    kept: Sequence[Record], test: Sequence[Record] | None, validation_fraction: float, test_fraction: float
) -> dict[str, list[Record]]:
    """Return the rows of train, validation and test; an official `test` set stays as it is."""
    tested = round(test_fraction * _BUCKETS) if test is None else 0
    validated = tested + round(validation_fraction * _BUCKETS)
    splits: dict[str, list[Record]] = {"train": [], "validation": [], "test": list(test or ())}
    for record in watched(kept, "[prepare] splitting"):
        place = bucket(*record.texts)
        splits["test" if place < tested else "validation" if place < validated else "train"].append(record)
    return splits
