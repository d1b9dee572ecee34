"""The data as a person sees it, in one HTML file: what went in, what was dropped and why, and some of it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

# PyTorch needs it, so that every image has it.
from manifest import Manifest, Summary
from pages import page
from records import Record
from split import Distinct
from task import told

# Enough to see what kind they are of, few enough to read.
_SHOWN = 10
_OF_A_LABEL = 5

_REASONS = {
    "empty": "nothing in the text",
    "in_test": "the text is in the test set",
    "two_labels": "the text has other labels in another row",
    "duplicate": "repeats an earlier row",
}
_RULES = {
    "min_rows": "distinct texts",
    "min_label_share": "rarest label, of the texts",
    "max_duplicate_share": "repeated, of the rows",
    "max_conflict_share": "with other labels in another row, of the rows",
    "max_label_drift": "change of a label's share since the champion's data",
    "max_length_drift": "shift of the lengths since the champion's data",
}


def render(manifest: Manifest, found: Distinct, champions: Summary | None) -> str:
    """Return the report; it needs no other file."""
    return page(
        "data_report.html.j2",
        manifest=manifest,
        champions=champions,
        reasons=_REASONS,
        rules=_RULES,
        histogram=_histogram(manifest["splits"]["train"], champions),
        repeated=Counter((record.texts, told(record.labels)) for record in found.duplicates).most_common(
            _SHOWN
        ),
        torn=_torn(found.conflicting),
        examples=_examples(found.kept, manifest["label_names"]),
    )


def _histogram(train: Summary, champions: Summary | None) -> list[dict[str, Any]]:
    """Return the bins of lengths, up to the last that has texts: of the train split, and the champion's."""
    bins = champions["lengths"]["histogram"] if champions else []
    then = {one["up_to"]: one["rows"] for one in bins}
    low, shown, last = 0, [], 0
    for one in train["lengths"]["histogram"]:
        high = one["up_to"]
        shown.append(
            {
                "name": f"{low + 1:,} to {high:,}" if high else f"more than {low:,}",
                "rows": one["rows"],
                "now": one["rows"] / train["rows"],
                "then": then.get(high, 0) / champions["rows"] if champions else 0,
            }
        )
        if shown[-1]["now"] or shown[-1]["then"]:
            last = len(shown)
        low = high or low
    return shown[:last]


def _torn(conflicting: Sequence[Record]) -> list[tuple[tuple[str, ...], Counter[str]]]:
    """Return the commonest texts whose rows do not agree on the labels, and how often they carry which."""
    labels: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for record in conflicting:
        labels[record.texts][told(record.labels)] += 1
    return sorted(labels.items(), key=lambda item: -item[1].total())[:_SHOWN]


def _examples(kept: Sequence[Record], label_names: Sequence[str]) -> dict[str, list[tuple[str, ...]]]:
    """Return some texts of each label from all over the data."""
    texts = {name: [record.texts for record in kept if name in record.labels] for name in label_names}
    return {name: each[:: max(1, len(each) // _OF_A_LABEL)][:_OF_A_LABEL] for name, each in texts.items()}
