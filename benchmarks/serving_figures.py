"""From what benchmarks/serving.py measured to its figures and its table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.serving_direct import Direct
from benchmarks.serving_toolkit import Served

MB = 1_000_000
GOALS = {
    "p50_ratio": "≤ 0.25",
    "p99_ratio": "≤ 0.4",
    "bulk_ratio": "≥ 12",
    "memory_ratio": "≤ 0.4",
    "cold_start_ratio": "≤ 0.2",
    "archive_ratio": "≤ 0.5",
    "int8_accuracy_loss_points": "≤ 0.3",
}


@dataclass
class Side:
    """One way to serve the model, how much is asked of it in a round, and what was measured."""

    name: str
    title: str
    single: int
    """Requests for one text."""
    bulk: int
    """Texts in the request for many."""
    archive: Path = field(default=Path(), init=False)
    direct: Direct = field(default_factory=Direct, init=False)
    served: Served | None = field(default=None, init=False)

    def row(self) -> dict[str, Any]:
        """What was measured; the accuracy is a fraction of 1."""
        direct, served = self.direct, self.served
        return {
            "side": self.name,
            "title": self.title,
            "archive_bytes": self.archive.stat().st_size,
            **_latency(direct.single),
            "texts_per_second": round(len(direct.right) / direct.bulk_seconds, 1),
            "resident_bytes": direct.resident,
            **_seconds([start._asdict() for start in direct.cold_starts]),
            "accuracy": round(_mean(direct.right), 4),
            "rows": len(direct.right),
            "server": served
            and {
                **_latency(served.single),
                "resident_bytes": served.resident,
                **_seconds([served.start._asdict()]),
            },
        }


def _mean(right: Sequence[bool]) -> float:
    return sum(right) / len(right)


def _latency(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"p{percent}_ms": round(1000 * ordered[math.ceil(percent / 100 * len(ordered)) - 1], 3)
        for percent in (50, 99)
    }


def _seconds(starts: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each part of a start, and of the whole."""
    parts = {f"{part}_seconds": median(start[part] for start in starts) for part in starts[0]}
    whole = median(sum(start.values()) for start in starts)
    return {part: round(seconds, 3) for part, seconds in [*parts.items(), ("start_seconds", whole)]}


def figures(sides: Sequence[Side]) -> dict[str, Any]:
    """The ratios of the optimised side to the default one, and each side's row."""
    rows = {side.name: side.row() for side in sides}
    default, ours = rows["default"], rows["optimised"]
    exact, quantised = (
        next(side for side in sides if side.name == name) for name in ("pytorch", "optimised")
    )

    def ratio(name: str, of: dict[str, Any] = ours, to: dict[str, Any] = default) -> float:
        return round(float(of[name]) / float(to[name]), 4)

    found = {
        "p50_ratio": ratio("p50_ms"),
        "p99_ratio": ratio("p99_ms"),
        "bulk_ratio": ratio("texts_per_second"),
        "memory_ratio": ratio("resident_bytes"),
        "cold_start_ratio": ratio("start_seconds"),
        "archive_ratio": ratio("archive_bytes"),
        "int8_accuracy_loss_points": round(
            100 * (_mean(exact.direct.right) - _mean(quantised.direct.right)), 3
        ),
    }
    if ours["server"]:
        found |= {
            f"server_{name}_ratio": ratio(column, ours["server"], default["server"])
            for name, column in (
                ("p50", "p50_ms"),
                ("p99", "p99_ms"),
                ("memory", "resident_bytes"),
                ("start", "start_seconds"),
            )
        }
    return found | {"rows": list(rows.values())}


def table(found: dict[str, Any]) -> str:
    """The figures for people: the handlers, the same behind the server, and the ratios beside their goals."""
    direct = {
        "archive MB": "archive_bytes",
        "p50 ms": "p50_ms",
        "p99 ms": "p99_ms",
        "texts/s": "texts_per_second",
        "memory MB": "resident_bytes",
        "imports s": "imports_seconds",
        "load s": "load_seconds",
        "first s": "first_seconds",
        "cold start s": "start_seconds",
        "accuracy %": "accuracy",
        "on rows": "rows",
    }
    server = {
        "p50 ms": "p50_ms",
        "p99 ms": "p99_ms",
        "memory MB": "resident_bytes",
        "server s": "server_seconds",
        "imports s": "imports_seconds",
        "load s": "load_seconds",
        "first s": "first_seconds",
        "whole start s": "start_seconds",
    }
    rows = found["rows"]
    lines = [*_lines("Handlers, without a server", direct, [(row["title"], row) for row in rows])]
    served = [(row["title"], row["server"]) for row in rows if row["server"]]
    if served:
        lines += ["", *_lines("Behind SageMaker's model server", server, served)]
    lines += ["", f"{'Ours by ONNX Runtime to the default handler':45}{'measured':>10}  wanted"]
    for name, value in found.items():
        if name.endswith(("_ratio", "_points")):
            lines.append(f"{name:45}{value:>10}  {GOALS.get(name, '')}".rstrip())
    return "\n".join(lines)


def _lines(title: str, columns: dict[str, str], rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterable[str]:
    yield f"{title:32}" + "".join(f"{name:>{len(name) + 2}}" for name in columns)
    for name, row in rows:
        yield f"{name:32}" + "".join(
            f"{_shown(key, row[key]):>{len(column) + 2}}" for column, key in columns.items()
        )


def _shown(key: str, value: float) -> str:
    if key == "accuracy":
        return f"{100 * value:.2f}"
    if key.endswith("_bytes"):
        value /= MB
    # Three digits, or all before the point.
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"
