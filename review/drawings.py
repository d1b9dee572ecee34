"""Draws the pictures of workflows: Mermaid for the comment, SVG for the HTML page."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from review.model import Json
from review.pictures import Picture

_RENDERER = Path(__file__).with_name("graphviz.mjs")
_MERMAID_SHAPES = {"Choice": '{{{{"{}"}}}}', "Succeed": '(["{}"])', "Fail": '(["{}"])'}
_GRAPHVIZ_SHAPES = {"Choice": "hexagon", "Succeed": "oval", "Fail": "oval"}
# Fill, line and text: what reads well on GitHub's light and dark pages alike.
_COLOURS = {
    "added": ("#dafbe1", "#1a7f37", "#0a3d1a"),
    "changed": ("#fff8c5", "#9a6700", "#3d2e00"),
    "removed": ("#ffebe9", "#cf222e", "#5c0f14"),
}
_ARROWS = {"": "-->", "added": "==>", "removed": "-.->"}


def mermaid(drawn: Picture) -> str:
    """The picture as a Mermaid flowchart, which GitHub renders."""
    ids = {node.name: f"s{number}" for number, node in enumerate(drawn.nodes)}
    lines = ["flowchart LR"]
    for node in drawn.nodes:
        shape = _MERMAID_SHAPES.get(node.type, '["{}"]').format(_numbered(node.label))
        lines.append(f"    {ids[node.name]}{shape}{f':::{node.mark}' if node.mark else ''}")
    for edge in drawn.edges:
        arrow = "-.->" if edge.fails else _ARROWS[edge.mark]
        label = f"|{edge.label}|" if edge.label else ""
        lines.append(f"    {ids[edge.source]} {arrow}{label} {ids[edge.target]}")
    for number, edge in enumerate(drawn.edges):
        if edge.mark:
            lines.append(f"    linkStyle {number} stroke:{_COLOURS[edge.mark][1]}")
    for mark, (fill, stroke, text) in _COLOURS.items():
        if any(node.mark == mark for node in drawn.nodes):
            lines.append(f"    classDef {mark} fill:{fill},stroke:{stroke},color:{text},stroke-width:2px")
    return "\n".join(lines)


def svgs(pictures: Sequence[Picture]) -> list[str]:
    """The pictures as SVG elements, for a page whose style sheet has the marks as classes.

    Raises:
        RuntimeError: node could not draw them.
    """
    if not pictures:
        return []
    finished = subprocess.run(
        ["node", str(_RENDERER)],
        input=json.dumps([_graphviz(drawn) for drawn in pictures]),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if finished.returncode:
        raise RuntimeError(
            f"the workflows could not be drawn (`npm ci` installs Graphviz):\n{finished.stderr.strip()}"
        )
    return [_inline(svg, number) for number, svg in enumerate(json.loads(finished.stdout))]


def _graphviz(drawn: Picture) -> Json:
    return {
        "graphAttributes": {"bgcolor": "transparent", "ranksep": 0.35, "nodesep": 0.3},
        "nodeAttributes": {"fontname": "Arial", "fontsize": 12, "shape": "box", "margin": "0.25,0.08"},
        "edgeAttributes": {"fontname": "Arial", "fontsize": 10, "arrowsize": 0.7},
        "nodes": [
            {
                "name": node.name,
                "attributes": {
                    "label": _literal(node.label),
                    "shape": _GRAPHVIZ_SHAPES.get(node.type, "box"),
                    "class": node.mark,
                },
            }
            for node in drawn.nodes
        ],
        "edges": [
            {
                "tail": edge.source,
                "head": edge.target,
                "attributes": {
                    "label": f" {edge.label} " if edge.label else "",
                    "style": "dashed" if edge.fails or edge.mark == "removed" else "solid",
                    "class": edge.mark,
                },
            }
            for edge in drawn.edges
        ],
    }


def _literal(text: str) -> str:
    """Text that Graphviz shows as it is: in a label it reads `\\N` and `&lt;` otherwise."""
    return text.replace("\\", "\\\\").replace("&", "&amp;")


def _numbered(text: str) -> str:
    """Text for a quoted label of Mermaid, which reads `#34;` as the character of that number."""
    return re.sub(r"[^\w ().,:-]", lambda found: f"#{ord(found[0])};", text)


def _inline(svg: str, number: int) -> str:
    """Without what stands in a file of its own alone, and with ids that no other picture has."""
    svg = re.sub(r"<!--.*?-->\n?|<title>.*?</title>\n?", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return svg.replace(' xml:space="preserve"', "").replace(' id="', f' id="workflow{number}-').strip()
