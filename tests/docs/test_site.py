"""The documentation as a site: it builds without a warning, and asks nobody for anything."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MKDOCS = ROOT / ".venv-docs" / "bin" / "mkdocs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it."""
    assert MKDOCS.exists(), "MkDocs is not installed: make .venv-docs/made"
    folder = tmp_path_factory.mktemp("site")
    command = [str(MKDOCS), "build", "--strict", "--site-dir", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


class Fetched(HTMLParser):
    """What a browser fetches by itself for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.addresses += [
                value for name, value in attrs if value and name in ("src", "srcset", "href", "data")
            ]


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert pages
    for page in pages:
        fetched = Fetched()
        fetched.feed(page.read_text(encoding="utf-8"))
        assert fetched.addresses
        assert [one for one in fetched.addresses if re.match(r"(\w+:)?//", one)] == [], page


def test_no_style_fetches_anything_from_elsewhere(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    for style in styles:
        text = style.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:\w+:)?//[^)]*", text) == [], style


def test_no_page_has_a_diagram_that_a_script_from_elsewhere_would_draw(site: Path) -> None:
    assert [
        page for page in site.rglob("*.html") if 'class="mermaid"' in page.read_text(encoding="utf-8")
    ] == []


def test_every_page_is_in_the_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(pages(nav)) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def pages(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for one in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from pages(one)


def test_the_search_knows_both_languages(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert index["config"]["lang"] == ["en", "ko"]
    found = {entry["location"] for entry in index["docs"] if "재학습" in entry["text"] + entry["title"]}
    assert "index.ko.html" in {location.partition("#")[0] for location in found}


def test_only_the_korean_pages_say_that_they_are(site: Path) -> None:
    said = {
        page.name for page in site.glob("*.html") if '<div lang="ko">' in page.read_text(encoding="utf-8")
    }
    assert said == {"index.ko.html"}


def test_nothing_but_the_documentation_is_published(site: Path) -> None:
    assert [path.name for path in site.rglob("*") if path.suffix in (".py", ".pyc", ".in", ".txt")] == []


def test_the_korean_start_page_leads_where_the_english_one_does() -> None:
    links = [
        re.findall(r"^\|.*\]\(([^)]+)\)", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("index.md", "index.ko.md")
    ]
    assert links[0] == [link.replace("README.ko.md", "README.md") for link in links[1]]
