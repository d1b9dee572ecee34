"""The READMEs: the picture is the deployed definition's, links lead somewhere, both say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.diagram import definition, mermaid
from examples.demo import SENTENCES
from tests.stacks.resolved import Template

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_the_picture_of_the_retrain_is_the_deployed_definitions(
    templates: dict[str, Template], page: str
) -> None:
    (picture,) = re.findall(r"```mermaid\n(.*?)\n```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert picture == mermaid(definition(templates["training"].body, "retrain"))


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "README.ko.md",
        "docs/environments.md",
        "docs/local-aws.md",
        "docs/security.md",
        "data/README.md",
    ],
)
def test_every_link_into_the_repository_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (ROOT / page).parent.joinpath(link).exists(), link


def commands(page: str) -> list[str]:
    """The lines that a person types, without what is said about them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [line.partition("#")[0].strip() for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE)]


def test_the_korean_readme_has_the_english_ones_sections_and_commands() -> None:
    headings = [
        len(re.findall(r"^#+ ", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
        for page in ("README.md", "README.ko.md")
    ]
    assert headings[0] == headings[1]
    english, korean = commands("README.md"), commands("README.ko.md")
    assert english == [line.replace("<계정>", "<account>") for line in korean]


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_what_the_readme_says_of_the_demos_sentences_is_what_the_demo_asks(page: str) -> None:
    shown = re.findall(
        r"^  (?:positive|negative)  [01]\.\d{3}  (.*)$",
        (ROOT / page).read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert shown == SENTENCES
