"""What two commits cost, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from review.model import Cost, CostLine


@dataclass(frozen=True)
class CostRow:
    """One thing that costs money, before and after; None where it is not there."""

    what: str
    before: float | None
    after: float | None
    assumption: str


def prices(before: Cost | None, after: Cost | None) -> list[tuple[str, float | None, float | None]]:
    """What for, and US dollars before and after; None where there is none."""
    old, new = _prices(before), _prices(after)
    return [(what, old.get(what), new.get(what)) for what in {**new, **old}]


def _prices(cost: Cost | None) -> dict[str, float]:
    if cost is None:
        return {}
    found = {"a month": round(cost.monthly, 2)}
    if cost.retrain is not None:
        found["one retrain"] = round(cost.retrain, 2)
    for way, usd in cost.million_predictions.items():
        found[f"a million predictions, {way}"] = round(usd, 2)
    return found


def cost_rows(before: Cost | None, after: Cost | None) -> list[CostRow]:
    """The lines before and after, those about the same thing side by side."""
    old, new = before.lines if before else (), after.lines if after else ()
    stays = {line.what for line in old} & {line.what for line in new}
    free = [line for line in old if line.what not in stays]
    rows, previous = [], None
    for line in new:
        if line.what in stays:
            previous = next((one for one in old if one.what == line.what), None)
        elif previous := next((one for one in free if _thing(one) == _thing(line)), None):
            free.remove(previous)
        rows.append(_row(previous, line))
    return rows + [_row(line, None) for line in free]


def _row(before: CostLine | None, after: CostLine | None) -> CostRow:
    lines = [line for line in (before, after) if line]
    what = " → ".join(dict.fromkeys(line.what for line in lines))
    if before and after and before.what != after.what:
        what = f"{before.what} →{after.what.removeprefix(f'{_thing(after)}:')}"
    return CostRow(
        what,
        before.usd if before else None,
        after.usd if after else None,
        " → ".join(dict.fromkeys(line.assumption for line in lines)),
    )


def _thing(line: CostLine) -> str:
    """As in `real-time endpoint` of `real-time endpoint: 2 × ml.c6i.xlarge`."""
    return line.what.partition(":")[0]
