"""What a person decides from: the confusion matrix as a picture, and the report as one HTML file."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from metrics import Metrics

# matplotlib's own font has no Hangul; these do, where they are installed.
_FONTS = ("Noto Sans CJK KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic", "DejaVu Sans")


@dataclass(frozen=True)
class Mistake:
    """A text that the candidate gets wrong; `champion` is the champion's answer, if there is one."""

    text: str
    actual: str
    predicted: str
    score: float
    champion: str | None


@dataclass(frozen=True)
class Comparison:
    """How many rows only the candidate gets right, and how many only the champion does."""

    mended: int
    broken: int


def draw_confusion_matrix(counts: list[list[int]], labels: Sequence[str]) -> bytes:
    """Return a PNG: in each cell the count, and its part of the actual label's rows."""
    families, names = _drawable(labels)
    size = len(labels)
    figure = Figure(figsize=(1.8 + 1.6 * size, 1.4 + 1.4 * size), dpi=160)
    axes = figure.subplots()
    parts = [[count / max(1, sum(row)) for count in row] for row in counts]
    axes.imshow(parts, cmap="Blues", vmin=0, vmax=1)
    for y, row in enumerate(counts):
        for x, count in enumerate(row):
            style: dict[str, Any] = {
                "xy": (x, y),
                "textcoords": "offset points",
                "ha": "center",
                "va": "center",
                "color": "white" if parts[y][x] > 0.5 else "#1b2a41",
            }
            axes.annotate(f"{count:,}", xytext=(0, 8), fontsize=15, weight="bold", **style)
            axes.annotate(f"{parts[y][x]:.1%}", xytext=(0, -10), fontsize=10, **style)
    axes.set_xticks(range(size), names, family=families)
    axes.set_yticks(range(size), names, family=families)
    axes.set_xlabel("predicted", labelpad=10)
    axes.set_ylabel("actual", labelpad=10)
    axes.set_title("Rows, and percent of each actual label", fontsize=11, pad=12)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for edge in range(1, size):
        axes.axhline(edge - 0.5, color="white", linewidth=3)
        axes.axvline(edge - 0.5, color="white", linewidth=3)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", pad_inches=0.25)
    return buffer.getvalue()


def _drawable(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the fonts at hand, and the names as they can draw them: a number where a letter is missing."""
    installed = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist}
    families = [name for name in _FONTS if name in installed]
    letters = {code for name in families for code in FT2Font(installed[name]).get_charmap()}
    drawable = all(ord(letter) in letters for label in labels for letter in label)
    return families, list(labels) if drawable else [f"label {index}" for index in range(len(labels))]


def render(
    labels: Sequence[str],
    rows: int,
    candidate: Metrics,
    champion: Metrics | None,
    comparison: Comparison | None,
    mistakes: Sequence[Mistake],
    picture: bytes,
) -> str:
    """Return the report; it needs no other file."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        labels=labels,
        rows=rows,
        candidate=candidate,
        champion=champion,
        comparison=comparison,
        mistakes=mistakes,
        picture=base64.b64encode(picture).decode("ascii"),
    )
