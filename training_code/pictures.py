"""The pictures of an evaluation, as PNG."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from calibration import Calibration

# matplotlib's own font has no Hangul; these do, where they are installed.
_FONTS = ("Noto Sans CJK KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic", "DejaVu Sans")
_INK = "#1b2a41"
_COLOURS = ("#1f5fa8", "#c2620a")


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
                "color": "white" if parts[y][x] > 0.5 else _INK,
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
    return _png(figure)


def draw_reliability(models: Mapping[str, Calibration]) -> bytes:
    """Return a PNG: how often each model is right when it is so sure, and how often it is."""
    figure = Figure(figsize=(5.6, 5.8), dpi=160)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color="#9aa7b8", linestyle="--", linewidth=1, label="as sure as right")
    for index, (name, calibration) in enumerate(models.items()):
        bins, colour = calibration["bins"], _COLOURS[index]
        rows = sum(one["rows"] for one in bins)
        above.plot(
            [one["confidence"] for one in bins],
            [one["accuracy"] for one in bins],
            color=colour,
            marker="o",
            markersize=5,
            label=f"{name} (ECE {100 * calibration['ece']:.1f} points)",
        )
        width = 0.05 / len(models)
        below.bar(
            [one["low"] + (index + 0.5) * width for one in bins],
            [one["rows"] / rows for one in bins],
            width=0.85 * width,
            color=colour,
        )
    lowest = min(one["low"] for calibration in models.values() for one in calibration["bins"])
    above.set_xlim(lowest - 0.02, 1.02)
    above.set_ylim(-0.02, 1.02)
    above.set_ylabel("right, of these rows")
    above.set_title("How sure, and how right", fontsize=11, pad=12)
    above.legend(frameon=False, loc="lower right", fontsize=9)
    below.set_ylabel("part of all rows")
    below.set_xlabel("probability that the model gives its answer", labelpad=8)
    for axes in (above, below):
        _plain(axes)
    return _png(figure)


def _plain(axes: Axes) -> None:
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#e6eaf0", linewidth=0.8)
    axes.set_axisbelow(True)


def _png(figure: Figure) -> bytes:
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
