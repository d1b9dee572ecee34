"""The price table `review/prices.yaml`: what AWS takes in one region, and what is assumed about use."""

from __future__ import annotations

import datetime
import functools
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PATH = Path(__file__).resolve().parent / "prices.yaml"

Usd = Annotated[float, Field(gt=0, strict=False)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Model):
    """Where prices are from."""

    url: str
    quoted_by: str
    """Who says that AWS says so."""
    seen: datetime.date | None = None
    """The last day on which it is known to have said so."""


class Price(_Model):
    """US dollars for a unit."""

    usd: Usd
    source: str
    derived: str = ""
    """How it was reckoned, when the source does not have it as it stands."""


class Instances(_Model):
    """US dollars an hour, by instance type."""

    source: str
    hour: dict[str, Usd]


class Assumption(_Model):
    """What no template says."""

    value: Usd
    why: str


class Table(_Model):
    """The prices of one region at one time."""

    region: str
    place: str
    """The region, as AWS calls it for people."""
    currency: Literal["USD"]
    date: datetime.date
    """The latest day for which the sources hold."""
    sources: dict[str, Source]
    prices: dict[str, Price]
    instances: Instances
    estimates: dict[str, Price]
    """Instance types that `instances` lacks."""
    assumptions: dict[str, Assumption]
    without_price: list[str]
    """Resource types."""

    @model_validator(mode="after")
    def _every_price_has_its_source(self) -> Table:
        named = {price.source for price in (*self.prices.values(), *self.estimates.values())}
        if missing := {self.instances.source, *named} - self.sources.keys():
            raise ValueError(f"no source is called {', '.join(sorted(missing))}: add it below sources")
        return self

    def usd(self, name: str) -> float:
        """The price of that name."""
        return self.prices[name].usd

    def assumed(self, name: str) -> float:
        """The assumption of that name."""
        return self.assumptions[name].value

    def hour(self, instance_type: str) -> float | None:
        """An hour of an instance; None for a type that the table lacks."""
        if estimate := self.estimates.get(instance_type):
            return estimate.usd
        return self.instances.hour.get(instance_type)


@functools.cache
def read(path: Path = PATH) -> Table:
    """The table in the file `path`.

    Raises:
        ValueError: with each field that is wrong, and what is allowed.
    """
    try:
        return Table.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        lines = [
            f"{path.name}: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors()
        ]
        raise ValueError("\n".join(lines)) from None
