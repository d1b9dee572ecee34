"""Whose word lets a danger pass, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from delivery.allowed import allowed
from tests.delivery.conftest import Run

COMMIT, OLDER = "a" * 40, "b" * 40
DATA = "--allow nunchi-prod-storage/Data"


def review(body: str, state: str = "APPROVED", commit: str = COMMIT) -> dict[str, Any]:
    return {"state": state, "body": body, "commit": {"oid": commit}}


def test_an_approval_of_the_commit_lets_what_it_names_pass() -> None:
    assert allowed([review(f"The data was moved.\n\n{DATA}\nGo on.")], COMMIT) == ["nunchi-prod-storage/Data"]


@pytest.mark.parametrize("another", ["--allow nunchi-staging-storage/Data", "nunchi-staging-storage/Data"])
def test_a_line_as_the_review_shows_it_names_several(another: str) -> None:
    line = f"`{DATA} {another}`"
    assert allowed([review(line)], COMMIT) == ["nunchi-prod-storage/Data", "nunchi-staging-storage/Data"]


def test_the_names_of_all_reviewers_count() -> None:
    reviews = [review(DATA), review("--allow nunchi-prod-storage/Key")]
    assert allowed(reviews, COMMIT) == ["nunchi-prod-storage/Data", "nunchi-prod-storage/Key"]


def test_lines_end_as_a_browser_ends_them() -> None:
    assert allowed([review(f"{DATA}\r\nGo on.\r\n")], COMMIT) == ["nunchi-prod-storage/Data"]


def test_an_approval_of_an_older_commit_lets_nothing_pass() -> None:
    assert allowed([review(DATA, commit=OLDER)], COMMIT) == []


def test_an_approval_of_a_commit_that_is_gone_lets_nothing_pass() -> None:
    assert allowed([review(DATA) | {"commit": None}], COMMIT) == []


@pytest.mark.parametrize("state", ["CHANGES_REQUESTED", "COMMENTED", "DISMISSED"])
def test_a_review_that_is_no_approval_lets_nothing_pass(state: str) -> None:
    assert allowed([review(DATA, state=state)], COMMIT) == []


@pytest.mark.parametrize(
    "body",
    [
        f"> {DATA}",
        f"Do not {DATA}",
        f"{DATA} if you must",
        "--allow",
        "--allowed nunchi-prod-storage/Data",
        "--allow everything",
    ],
)
def test_words_about_the_line_let_nothing_pass(body: str) -> None:
    assert allowed([review(body)], COMMIT) == []


def test_it_prints_a_name_a_line(run: Run) -> None:
    nodes = [review(f"{DATA}\n--allow nunchi-dev-serving/한글")]
    answer = {"data": {"repository": {"pullRequest": {"latestOpinionatedReviews": {"nodes": nodes}}}}}
    finished = run("allowed", "7", COMMIT, answers={"number=7": answer})
    assert finished.stdout.splitlines() == ["nunchi-dev-serving/한글", "nunchi-prod-storage/Data"]


def test_it_fails_when_github_does_not_answer(run: Run) -> None:
    finished = run("allowed", "7", COMMIT, answers={})
    assert finished.returncode == 1
    assert finished.stderr.splitlines() == [
        "gh: HTTP 403: Resource not accessible by integration",
        "gh api graphql ended with 1: GitHub was not asked; see above",
    ]
