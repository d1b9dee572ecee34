"""What the tests of the review share: the repository as it is, and what becomes of it when it is edited."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from review.checkout import WORKING_TREE, synthesise
from review.model import Side
from tests.review.corpus import Edit, edited

Change = Callable[..., Side]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Side:
    """The working tree, synthesised."""
    return synthesise(WORKING_TREE, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def change(tmp_path_factory: pytest.TempPathFactory) -> Change:
    """Synthesises a copy of the working tree in which texts are replaced: `change((file, old, new), …)`.

    It takes seconds: call it from a fixture of your module's.
    """

    def changed(*edits: Edit) -> Side:
        return edited(tmp_path_factory.mktemp("head"), *edits)

    return changed
