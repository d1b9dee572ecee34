"""A part of the rows, for a quick try: the same at every start, each label with its share."""

from collections.abc import Sequence

import numpy as np

from rows import Row


def subset(rows: Sequence[Row], size: float, seed: int) -> list[Row]:
    """Return `size` of the rows (up to 1 a part of them, above 1 their number), in the order they have.

    Each label, or set of labels, has as many as its share, at least one.
    """
    wanted = size * len(rows) if size <= 1 else size
    if wanted >= len(rows):
        return list(rows)
    chance = np.random.default_rng(seed)
    by_label: dict[tuple[str, ...], list[int]] = {}
    for index, row in enumerate(rows):
        by_label.setdefault(row.labels, []).append(index)
    taken: list[int] = []
    for indices in by_label.values():
        count = max(1, round(wanted * len(indices) / len(rows)))
        taken += chance.permutation(indices)[:count].tolist()
    return [rows[index] for index in sorted(taken)]
