"""Two values are compared part by part."""

from __future__ import annotations

from typing import Any

import pytest

from review.compared import leaves


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", 1, 2)]),
        ({"a": 1}, {"a": 1, "b": {"c": 2}}, [("b", None, {"c": 2})]),
        (
            {"a": [{"Id": "x", "n": 1}]},
            {"a": [{"Id": "y", "n": 5}, {"Id": "x", "n": 1}]},
            [("a[y]", None, {"Id": "y", "n": 5})],
        ),
        ({"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 1}, {"n": 3}]}, [("a[1].n", 2, 3)]),
        ({"a": ["p", "q"]}, {"a": ["q", "r", "s"]}, [("a", ["p"], ["r", "s"])]),
        ({"a": ["p", "q"]}, {"a": ["q", "p"]}, [("a", ["p", "q"], ["q", "p"])]),
        ({"a": [1, 2, 3]}, {"a": []}, [("a", [1, 2, 3], None)]),
        ({"a": 1}, {"a": 1}, []),
    ],
    ids=[
        "a field",
        "a new part",
        "a named item",
        "the one item",
        "items",
        "their order",
        "no items",
        "nothing",
    ],
)
def test_what_differs_is_named_by_its_path(before: Any, after: Any, found: list[Any]) -> None:
    assert list(leaves(before, after)) == found
