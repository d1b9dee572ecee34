"""The limits that the data as a whole must keep, measured: what is beyond one fails the job."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from drift import label_drift, length_drift
from manifest import Summary
from problems import Problems, quoted
from split import Distinct
from task import told


@dataclass(frozen=True)
class Limits:
    """Shares and changes of shares are fractions of 1."""

    min_rows: int
    min_label_share: float
    max_duplicate_share: float
    max_conflict_share: float
    max_label_drift: float
    max_length_drift: float


@dataclass(frozen=True)
class Check:
    """A limit, and what was measured for it."""

    rule: str
    """The argument that sets the limit."""
    value: float
    limit: float
    said: str
    """What is wrong, and the remedy, if the value is beyond the limit."""
    places: Sequence[str]
    """Where, or which."""

    @property
    def holds(self) -> bool:
        """Whether the value is within the limit."""
        return self.value >= self.limit if self.rule.startswith("min_") else self.value <= self.limit


def check_rows(found: Distinct, label_names: Sequence[str], limits: Limits) -> list[Check]:
    """Return the checks of the rows that are to be split."""
    kept = len(found.kept)
    rows = kept + len(found.duplicates) + len(found.conflicting)
    labels = Counter(label for record in found.kept for label in record.labels)
    shares = {name: labels[name] / max(1, kept) for name in label_names}
    duplicates = len(found.duplicates) / max(1, rows)
    conflicts = len(found.conflicting) / max(1, rows)
    # The labels of a text stand together.
    conflicting = sorted(found.conflicting, key=lambda record: record.texts)
    return [
        Check(
            "min_rows",
            kept,
            limits.min_rows,
            f"{kept:,} distinct texts are left, and {limits.min_rows:,} are needed; give more data",
            (),
        ),
        Check(
            "min_label_share",
            min(shares.values()),
            limits.min_label_share,
            f"a label has less than {limits.min_label_share:.1%} of the texts; give more of it",
            [
                f"{name}: {share:.1%}, {labels[name]:,} texts"
                for name, share in shares.items()
                if share < limits.min_label_share
            ],
        ),
        Check(
            "max_duplicate_share",
            duplicates,
            limits.max_duplicate_share,
            f"{duplicates:.1%} of the rows repeat an earlier one, {limits.max_duplicate_share:.1%} may; "
            "see whether a file is there twice",
            [f"{record.place}: {quoted(record.whole)}" for record in found.duplicates],
        ),
        Check(
            "max_conflict_share",
            conflicts,
            limits.max_conflict_share,
            f"{conflicts:.1%} of the rows have a text that carries another label, too, "
            f"{limits.max_conflict_share:.1%} may; see whether labels are mixed up",
            [f"{record.place}: {told(record.labels)}: {quoted(record.whole)}" for record in conflicting],
        ),
    ]


def check_drift(train: Summary, champions: Summary, limits: Limits) -> list[Check]:
    """Return the checks of the train split against the champion's."""
    labels, labels_said = label_drift(train, champions)
    lengths, lengths_said = length_drift(train, champions)
    meant = "if that is meant, raise the limit"
    return [
        Check(
            "max_label_drift",
            labels,
            limits.max_label_drift,
            f"a label's share has changed by {100 * labels:.1f} points since the champion was trained, "
            f"{100 * limits.max_label_drift:.1f} may be; {meant}",
            [labels_said],
        ),
        Check(
            "max_length_drift",
            lengths,
            limits.max_length_drift,
            f"the texts' lengths have shifted by {100 * lengths:.1f} points since the champion was trained, "
            f"{100 * limits.max_length_drift:.1f} may be; {meant}",
            [lengths_said],
        ),
    ]


def enforce(checks: Sequence[Check], problems: Problems) -> None:
    """Note the limits that are not kept."""
    for check in checks:
        if not check.holds:
            problems.add(f"{check.rule}: {check.said}", *check.places)
