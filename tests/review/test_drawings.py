from __future__ import annotations

import re
import subprocess

import pytest

from review.drawings import mermaid, svgs
from review.model import WorkflowChange
from review.pictures import picture
from tests.review.examples import workflow

DRAWN = picture(workflow("prod"))


def drawn_with(name: str) -> str:
    """The Mermaid picture of a workflow of one new state with that name."""
    return mermaid(
        picture(WorkflowChange("nunchi-prod-training", "x", {}, {"States": {name: {"Type": "Pass"}}}))
    )


def test_mermaid_colours_the_marks() -> None:
    text = mermaid(DRAWN)
    assert '["Train (changed)"]:::changed' in text and "classDef changed fill:" in text


def test_mermaid_colours_the_arrows_that_differ() -> None:
    text = mermaid(DRAWN)
    arrows = [line for line in text.splitlines() if re.search(r" (-->|==>|-\.->)", line)]
    numbers = [int(number) for number in re.findall(r"linkStyle (\d+)", text)]
    assert [number for number, arrow in enumerate(arrows) if re.search("added|removed", arrow)] == numbers


@pytest.mark.parametrize("name", ['say "hi"', "a#1;b", "a<b>c", "a|b", "`x`"])
def test_mermaid_gets_no_character_that_it_reads(name: str) -> None:
    label = drawn_with(name).splitlines()[1].strip().removeprefix('s0["').removesuffix('"]')
    assert re.fullmatch(r"(\w| |#\d+;)+", label)


def test_mermaid_keeps_korean() -> None:
    assert '["학습"]' in drawn_with("학습")


def test_every_picture_is_an_svg_with_its_states() -> None:
    one, other = svgs([DRAWN, picture(WorkflowChange("s", "x", {}, {"States": {"끝": {"Type": "Succeed"}}}))])
    assert "Ask For Approval (added)" in one and "끝" in other


def test_pictures_on_one_page_share_no_id() -> None:
    ids = re.findall(r' id="([^"]+)"', "".join(svgs([DRAWN, DRAWN])))
    assert len(ids) == len(set(ids)) > 0


def test_the_marks_are_classes_of_the_svg() -> None:
    (svg,) = svgs([DRAWN])
    assert all(f'class="node {mark}"' in svg for mark in ("added", "changed", "removed"))


def test_names_mean_nothing_to_graphviz_or_html() -> None:
    name = r"<script>\N &lt;"
    (svg,) = svgs([picture(WorkflowChange("s", "x", {}, {"States": {name: {"Type": "Pass"}}}))])
    assert r"&lt;script&gt;\N &amp;lt;" in svg


def test_no_pictures_need_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert svgs([]) == []


def test_what_node_could_not_draw_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "Cannot find package '@viz-js/viz'")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(RuntimeError, match=r"npm ci(.|\n)*@viz-js/viz"):
        svgs([DRAWN])
