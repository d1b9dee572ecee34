"""`docs/review.md` says what the review says."""

from __future__ import annotations

import re
from pathlib import Path

from review.safe_ways import SAFE_WAYS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "review.md").read_text(encoding="utf-8")


def test_every_category_has_the_safe_way_that_a_review_shows() -> None:
    rows = dict(re.findall(r"^\| \*\*(\w+)\*\* \|.*\| (.*) \|$", PAGE, re.MULTILINE))
    assert rows == SAFE_WAYS


def test_the_categories_stand_in_the_reviews_order() -> None:
    assert re.findall(r"^\| \*\*(\w+)\*\* \|", PAGE, re.MULTILINE) == list(SAFE_WAYS)
