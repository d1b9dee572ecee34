"""How far the data has moved from what the champion was trained on."""

import json
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from contract import UserError
from manifest import Lengths, Summary


def champions_train(path: Path) -> Summary:
    """Return what the champion's manifest at `path` says of its train split.

    Raises:
        UserError: it is not a manifest that prepare.py wrote.
    """
    try:
        train: Summary = json.loads(path.read_text(encoding="utf-8"))["splits"]["train"]
        label_drift(train, train)
        length_drift(train, train)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"{path} is not a manifest of prepare.py ({type(error).__name__}: {error}); "
            "give the one of the champion's data, or none"
        ) from error
    return train


def label_drift(train: Summary, champions: Summary) -> tuple[float, str]:
    """Return by how much the share of a label has changed, 0 to 1: the largest change, and its words."""
    now, then = train["label_shares"], champions["label_shares"]
    changes = {label: abs(now.get(label, 0) - then.get(label, 0)) for label in {**now, **then}}
    most = max(changes, key=lambda label: changes[label])
    said = f"{most} has {now.get(most, 0):.1%} of the rows, {then.get(most, 0):.1%} of the champion's"
    return changes[most], said


def length_drift(train: Summary, champions: Summary) -> tuple[float, str]:
    """Return the Kolmogorov-Smirnov distance of the lengths, 0 to 1, and where it is in words."""
    now, then = _cumulative(train["lengths"]), _cumulative(champions["lengths"])
    # Another version of the code may have other bins.
    edge = max(now.keys() & then.keys(), key=lambda edge: abs(now[edge] - then[edge]))
    said = (
        f"{now[edge]:.1%} of the texts have at most {edge:,} characters, {then[edge]:.1%} of the champion's"
    )
    return abs(now[edge] - then[edge]), said


def _cumulative(lengths: Lengths) -> dict[int, float]:
    """Edge → share of the texts up to it."""
    bins: Sequence[tuple[int | None, int]] = [(one["up_to"], one["rows"]) for one in lengths["histogram"]]
    sums = list(accumulate(rows for _, rows in bins))
    return {edge: total / sums[-1] for (edge, _), total in zip(bins, sums, strict=True) if edge is not None}
