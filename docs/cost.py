"""Writes `docs/cost.md`: what each environment costs, as `review/cost.py` reckons it, and from what.

`python -m docs.cost` does, after `make synth`. A test keeps the page current.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from review import prices
from review.assembly import read
from review.cost import cost
from review.model import Cost, Side

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "cost.md"

_HEAD = """\
# Cost

Made from the templates of all environments by `python -m docs.cost`, after `make synth`: do not edit. US
dollars a month, on demand, in {place} (`{region}`), before taxes.

> **Prices of {date}.** AWS changes its prices, and nothing here looks them up: they stand in
> [review/prices.yaml](../review/prices.yaml), which says of each where it is from. None was read from AWS
> itself, some are reckoned from others, and how much is used is assumed throughout: nothing of this was
> ever billed. Look up what matters before you rely on it, with the
> [pricing calculator](https://calculator.aws/), and change the file to what you find."""

_READING = """\
An endpoint costs from the first promotion on, and its instances whether anybody asks or not; a million
predictions at the real-time endpoint are those of instances that are as busy as scaling keeps them. What a
deployment runs beside the old instances, for `serving.realtime.bake_seconds`, is not counted. An
environment whose settings name no region is reckoned as if it were in `{region}`; one in another region is
not reckoned."""

_LEFT_OUT = """\
- Taxes, support plans, Savings Plans and other discounts, and what an account has for nothing.
- Data transfer: out to the internet, between zones, and what endpoints process ($0.016 a GB in Ireland).
- Cents: requests to S3, the tables of locks and of scored files, which are paid by the request, the messages
  of topic and queues, the schedules, traces, the gate's metrics, the volumes of endpoints.
- What is free: parameters of SSM, the budget (AWS charges for budgets that act), the gateway to S3, roles,
  models and their registry.
- An MLflow tracking server, paid by the hour, which no stack here makes.
- The CDK's bootstrap stack, and training code in its bucket.
- What an environment leaves behind when it is destroyed: its buckets and its key."""

_ASSUMED = """\
No template says how much is used. A change of a template changes the cost at the same assumptions; whether an
instance type is faster than another, they do not know."""

_HOURS = """\
Instance types stand in the file: what SageMaker takes for an hour of hosting, and here for one of training,
processing and batch transform as well."""


def page(folder: Path) -> str:
    """The page about the cloud assembly in `folder`."""
    table = prices.read()
    side = Side("", ROOT, folder)
    costs = {name: cost(side, name) for name in read(folder).environments}
    head = {"place": table.place, "region": table.region, "date": table.date}
    return (
        "\n\n".join(
            [
                _HEAD.format(**head),
                _table(["", *costs], _summary(costs)),
                _READING.format(**head),
                *(part for name, one in costs.items() for part in _environment(name, one)),
                f"## What is not in it\n\n{_LEFT_OUT}",
                f"## Assumptions\n\n{_ASSUMED}",
                _table(["Assumption", "Value", "Why"], _assumptions(table)),
                f"## Prices\n\n{_HOURS}",
                _table(["Price", "USD", "From", "Reckoned"], _prices(table)),
                _table(["Source", "Seen", "Quoted by"], _sources(table)),
            ]
        )
        + "\n"
    )


def _summary(costs: dict[str, Cost]) -> Iterable[Sequence[str]]:
    ways = dict.fromkeys(way for one in costs.values() for way in one.million_predictions)
    yield "**A month**", *(f"**{one.monthly:,.2f}**" for one in costs.values())
    yield "One retrain", *(_usd(one.retrain) for one in costs.values())
    for way in ways:
        yield (
            f"A million predictions, {way}",
            *(_usd(one.million_predictions.get(way)) for one in costs.values()),
        )


def _environment(name: str, one: Cost) -> Iterable[str]:
    yield f"## {name}"
    yield _table(
        ["What", "USD a month", "Assumed"],
        ((line.what, _usd(line.usd), line.assumption) for line in one.lines),
    )
    if one.unknown:
        yield "In doubt:"
        yield "\n".join(f"- {what}" for what in one.unknown)


def _assumptions(table: prices.Table) -> Iterable[Sequence[str]]:
    return ((f"`{name}`", f"{one.value:g}", one.why) for name, one in table.assumptions.items())


def _prices(table: prices.Table) -> Iterable[Sequence[str]]:
    for name, price in (table.prices | table.estimates).items():
        yield f"`{name}`", f"{price.usd:.8f}".rstrip("0").rstrip("."), price.source, price.derived


def _sources(table: prices.Table) -> Iterable[Sequence[str]]:
    for name, source in table.sources.items():
        yield f"[{name}]({source.url})", str(source.seen or ""), source.quoted_by


def _usd(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if value == 0 or value >= 0.005 else "under 0.01"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    PAGE.write_text(page(ROOT / "cdk.out"), encoding="utf-8")
