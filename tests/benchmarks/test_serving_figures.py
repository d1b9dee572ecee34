from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.serving_direct import ColdStart
from benchmarks.serving_figures import Side, figures, table
from benchmarks.serving_toolkit import Served, ServerStart


def side(name: str, archive: Path, scale: float, right: int) -> Side:
    """What is measured of a side that takes `scale` times what the others do."""
    made = Side(name, f"the {name} side", single=0, bulk=0)
    made.archive = archive / name
    made.archive.write_bytes(bytes(round(scale * 1_000_000)))
    made.direct.single = [scale * n / 1000 for n in range(1, 101)]
    made.direct.bulk_seconds = 10 * scale
    made.direct.right = [n < right for n in range(1000)]
    made.direct.resident = round(400_000_000 * scale)
    made.direct.cold_starts = [ColdStart(scale * n, scale, scale) for n in (3, 2, 9)]
    served = SimpleNamespace(
        start=ServerStart(4, 3, 2 * scale, scale), single=[0.01 * scale] * 9, resident=round(5e8 * scale)
    )
    made.served = cast(Served, served)
    return made


@pytest.fixture
def sides(tmp_path: Path) -> list[Side]:
    return [
        side("default", tmp_path, 1, right=821),
        side("pytorch", tmp_path, 1, right=821),
        side("optimised", tmp_path, 0.25, right=819),
    ]


@pytest.fixture
def found(sides: list[Side]) -> dict[str, Any]:
    return figures(sides)


def test_the_ratios_are_of_the_optimised_side_to_the_default_one(found: dict[str, Any]) -> None:
    ratios = {name: value for name, value in found.items() if name.endswith("_ratio")}
    assert ratios == {
        "p50_ratio": 0.25,
        "p99_ratio": 0.25,
        "bulk_ratio": 4,
        "memory_ratio": 0.25,
        "cold_start_ratio": 0.25,
        "archive_ratio": 0.25,
        "server_p50_ratio": 0.25,
        "server_p99_ratio": 0.25,
        "server_memory_ratio": 0.25,
        "server_start_ratio": 0.775,
    }


def test_the_loss_of_accuracy_is_in_points(found: dict[str, Any]) -> None:
    assert found["int8_accuracy_loss_points"] == 0.2


def test_a_row_has_percentiles_and_medians(found: dict[str, Any]) -> None:
    default = found["rows"][0]
    assert (default["p50_ms"], default["p99_ms"]) == (50, 99)
    assert (default["imports_seconds"], default["start_seconds"]) == (3, 5)
    assert default["texts_per_second"] == 100


def test_without_a_server_there_are_no_figures_of_it(sides: list[Side]) -> None:
    for each in sides:
        each.served = None
    assert not [name for name in figures(sides) if name.startswith("server")]


def test_the_table_shows_each_side_and_what_was_wanted(found: dict[str, Any]) -> None:
    lines = table(found).splitlines()
    assert len([line for line in lines if line.startswith("the optimised side")]) == 2
    assert [line.split() for line in lines if line.startswith("bulk_ratio")] == [
        ["bulk_ratio", "4.0", "≥", "12"]
    ]
