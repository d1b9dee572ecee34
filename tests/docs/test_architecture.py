"""`docs/architecture.md` and its pictures show what the stacks are."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.architecture import PAGE, PICTURES, page
from docs.architecture_pictures import pictures
from docs.security import Assembly


def test_the_page_is_made_from_the_stacks_as_they_are(assembly: Path) -> None:
    """`make synth && .venv/bin/python -m docs.architecture` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page(assembly)


@pytest.fixture(scope="module")
def drawn(assembly: Path) -> dict[str, str]:
    return pictures(Assembly(assembly))


def test_the_pictures_are_drawn_from_the_stacks_as_they_are(drawn: dict[str, str]) -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in PICTURES.iterdir()} == drawn


def test_every_picture_is_on_the_page(drawn: dict[str, str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in drawn if f"(pictures/{name})" not in text] == []


def test_a_picture_that_cannot_be_drawn_says_what_draws_it(
    assembly: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("docs.architecture_pictures._RENDERER", tmp_path / "none.mjs")
    with pytest.raises(RuntimeError, match="npm ci"):
        pictures(Assembly(assembly))
