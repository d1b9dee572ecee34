"""Which side a text is on: it depends on nothing but the text, so that none is on two."""

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
    """Each text once, in the order of the rows."""
    duplicates: list[Record]
    """The further rows of the texts that are kept."""
    conflicting: list[Record]
    """All rows of the texts that carry more than one label."""


def distinct(records: Sequence[Record]) -> Distinct:
    """Sort the rows."""
    labels: dict[str, str] = {}
    torn = {record.text for record in records if labels.setdefault(record.text, record.label) != record.label}
    found = Distinct([], [], [])
    seen = set()
    for record in watched(records, "[prepare] looking for duplicates"):
        if record.text in torn:
            found.conflicting.append(record)
        elif record.text in seen:
            found.duplicates.append(record)
        else:
            found.kept.append(record)
            seen.add(record.text)
    return found


def bucket(text: str) -> int:
    """Return the text's place among the thousandths that a split is made of: the same for ever."""
    return int(hashlib.sha256(text.encode("utf-8")).hexdigest(), 16) % _BUCKETS


def split(
    kept: Sequence[Record], test: Sequence[Record] | None, validation_fraction: float, test_fraction: float
) -> dict[str, list[Record]]:
    """Return the rows of train, validation and test; an official `test` set stays as it is."""
    tested = round(test_fraction * _BUCKETS) if test is None else 0
    validated = tested + round(validation_fraction * _BUCKETS)
    splits: dict[str, list[Record]] = {"train": [], "validation": [], "test": list(test or ())}
    for record in watched(kept, "[prepare] splitting"):
        place = bucket(record.text)
        splits["test" if place < tested else "validation" if place < validated else "train"].append(record)
    return splits
