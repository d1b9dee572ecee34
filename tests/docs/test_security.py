"""`docs/security.md` says what the stacks are."""

from __future__ import annotations

from pathlib import Path

from docs.security import PAGE, Assembly, page


def test_the_page_is_made_from_the_stacks_as_they_are(assembly: Path) -> None:
    """A reviewer signs what it says. `make synth && .venv/bin/python -m docs.security` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page(assembly)


def test_every_acknowledgement_is_on_the_page(assembly: Path) -> None:
    """One that is not listed was never reviewed."""
    text = page(assembly)
    reasons = {reason for stack in Assembly(assembly).stacks for _, _, _, reason in stack.acknowledged()}
    assert reasons
    assert [reason for reason in reasons if reason not in text] == []
