from typing import Any

import pytest

from localaws.json_path import JsonPath, PathError

DOCUMENT: dict[str, Any] = {
    "id": 7,
    "리뷰": {"본문": "좋아요", "점수": 10},
    "features": [1, 2, 3, 4, 5, 6],
    "answers": [{"label": "긍정"}, {"label": "부정"}, {}],
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", DOCUMENT),
        ("$.id", 7),
        ("$.리뷰.본문", "좋아요"),
        ("$['id']", 7),
        ("$['id', '리뷰']", {"id": 7, "리뷰": {"본문": "좋아요", "점수": 10}}),
        ("$.리뷰.['본문','점수']", {"본문": "좋아요", "점수": 10}),
        ("$.리뷰.*", ["좋아요", 10]),
        ("$.features[*]", [1, 2, 3, 4, 5, 6]),
        ("$.features[0]", 1),
        ("$.features[-1]", 6),
        ("$.features[1,3,5]", [2, 4, 6]),
        ("$.features[1:4]", [2, 3, 4, 5]),  # unlike in Python, with the end
        ("$.features[:2]", [1, 2, 3]),
        ("$.features[4:]", [5, 6]),
        ("$.features[-2:]", [5, 6]),
        ("$.features[0,4:]", [1, 5, 6]),
        ("$.answers[*].label", ["긍정", "부정"]),
    ],
)
def test_path_leads_to(path: str, expected: Any) -> None:
    assert JsonPath(path)(DOCUMENT) == expected


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("$.nothing", "key error: nothing not found"),
        ("$['id','nothing']", "key error: nothing not found"),
        ("$.id.nothing", "key error: nothing not found"),
        ("$.features[6]", "index out of range: there are 6 values"),
        ("$.features[2:6]", "index out of range"),
        ("$.features[-7]", "index out of range"),
        ("$.features[4:1]", "index out of range"),
        ("$[0]", "no array"),
        ("$.id.*", "no parts"),
    ],
)
def test_path_that_leads_nowhere_is_an_error(path: str, reason: str) -> None:
    with pytest.raises(PathError, match=reason):
        JsonPath(path)(DOCUMENT)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "must start with"),
        ("id", "must start with"),
        ("$id", "'id' is no"),
        ("$.", "'.' is no"),
        ("$..id", "is no"),
        ("$[", "is no"),
        ("$[]", "is no"),
        ("$['a'", "is no"),
        ("$[a]", "'a' in"),
        ("$['a',0]", "no index, no range, and no name"),
        ("$[0:2,4:]", "only single range filters"),
        ("$[0:2:1]", "no index, no range"),
    ],
)
def test_text_that_is_no_path_is_refused(path: str, reason: str) -> None:
    with pytest.raises(PathError, match=reason):
        JsonPath(path)
