"""The price table, and what is wrong with one that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from review.prices import PATH, Table, read
from stacks.instances import check_exists
from stacks.settings import RealtimeSettings, StorageSettings

Json = dict[str, Any]
Read = Callable[[Callable[[Json], object]], Table]


@pytest.fixture
def read_changed(tmp_path: Path) -> Read:
    """The project's own table, changed and read."""

    def change(edit: Callable[[Json], object]) -> Table:
        table = yaml.safe_load(PATH.read_text(encoding="utf-8"))
        edit(table)
        path = tmp_path / "prices.yaml"
        path.write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
        return read(path)

    return change


def test_a_price_without_a_source_is_refused(read_changed: Read) -> None:
    with pytest.raises(ValueError, match=r"prices.yaml: .*no source is called hearsay: add it below sources"):
        read_changed(lambda table: table["prices"]["log_gb"].update(source="hearsay"))


def test_a_price_of_nothing_is_refused(read_changed: Read) -> None:
    with pytest.raises(ValueError, match=r"prices.yaml: prices\.log_gb\.usd: .*greater than 0"):
        read_changed(lambda table: table["prices"]["log_gb"].update(usd=0))


def test_a_misspelt_field_is_refused(read_changed: Read) -> None:
    with pytest.raises(ValueError, match=r"prices.yaml: prices\.log_gb\.derive: Extra inputs"):
        read_changed(lambda table: table["prices"]["log_gb"].update(derive="guessed"))


def test_an_assumption_without_a_reason_is_refused(read_changed: Read) -> None:
    with pytest.raises(ValueError, match=r"prices.yaml: assumptions\.log_gb\.why: Field required"):
        read_changed(lambda table: table["assumptions"]["log_gb"].pop("why"))


def test_every_instance_type_is_one_of_sagemakers() -> None:
    table = read()
    for instance_type in table.instances.hour | table.estimates:
        check_exists(instance_type)


def test_no_instance_type_has_two_prices() -> None:
    table = read()
    assert table.instances.hour.keys() & table.estimates.keys() == set()


def test_every_estimate_says_how_it_was_reckoned() -> None:
    assert [name for name, price in read().estimates.items() if not price.derived] == []


def test_what_is_assumed_of_scaling_is_the_default_of_the_settings() -> None:
    assert read().assumed("invocations_a_minute") == RealtimeSettings().invocations_per_instance


def test_captured_requests_are_kept_as_long_as_the_settings_keep_them() -> None:
    assert read().assumed("captured_months") * 30 == StorageSettings().artifact_days
