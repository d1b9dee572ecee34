"""`docs/cost.md` says what the stacks cost."""

from __future__ import annotations

from pathlib import Path

from docs.cost import PAGE, page


def test_the_page_is_made_from_the_stacks_and_the_prices_as_they_are(assembly: Path) -> None:
    """`make synth && .venv/bin/python -m docs.cost` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page(assembly)
