"""Who scores which file: files that come at any time, files that fail, and executions that meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.laboratory import Laboratory, until

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def laboratory(laboratories: list[Laboratory]) -> Iterator[Laboratory]:
    laboratory = laboratories[1]
    yield laboratory
    laboratory.quiet()
    executions = laboratory.executions("transform")
    laboratory.messages(*executions)


def scored(laboratory: Laboratory, **request: Any) -> dict[str, Any]:
    """An execution, once it has ended."""
    return laboratory.ended(laboratory.start("transform", request))


def outcome(execution: dict[str, Any]) -> str:
    return str(json.loads(execution["output"])["outcome"])


def test_a_file_that_fails_is_named_and_delays_no_other(laboratory: Laboratory) -> None:
    laboratory.arrive("bad/1.jsonl")
    laboratory.arrive("bad/2.jsonl", b"no JSON\n")
    laboratory.arrive("bad/3.jsonl")
    before = laboratory.deployment.scored()
    first = scored(laboratory)
    assert (first["status"], first["error"]) == ("FAILED", "TransformFailed")
    assert "1 files have no predictions: incoming/bad/2.jsonl." in first["cause"]
    assert laboratory.predicted("bad/1.jsonl")
    assert laboratory.predicted("bad/3.jsonl")
    laboratory.arrive("bad/2.jsonl", b'"mended"\n')
    assert outcome(scored(laboratory)) == "transformed"
    assert laboratory.predicted("bad/2.jsonl")
    again = laboratory.deployment.scored()
    assert [again.count(f"bad/{n}.jsonl") - before.count(f"bad/{n}.jsonl") for n in (1, 2, 3)] == [1, 2, 1]


def test_a_file_that_comes_while_another_is_scored_is_scored_too(laboratory: Laboratory) -> None:
    """Also where its name stands before what was listed."""
    laboratory.arrive("while/2.jsonl")
    execution = laboratory.start("transform", {})
    until(lambda: "Transform" in laboratory.entered(execution))
    laboratory.arrive("while/1.jsonl")
    ended = laboratory.ended(execution)
    assert json.loads(ended["output"])["files"] == 2
    assert laboratory.predicted("while/1.jsonl")


def test_what_is_named_is_scored_again_and_nothing_else(laboratory: Laboratory) -> None:
    laboratory.arrive("again/1.jsonl")
    laboratory.arrive("other/1.jsonl")
    assert outcome(scored(laboratory)) == "transformed"
    before = laboratory.deployment.scored()
    assert outcome(scored(laboratory, again="again/")) == "transformed"
    assert laboratory.deployment.scored() == sorted([*before, "again/1.jsonl"])
    assert outcome(scored(laboratory)) == "nothing new"


def test_more_files_than_a_listing_holds_are_scored_once_each(laboratory: Laboratory) -> None:
    """And more than a transaction records."""
    names = [f"many/{number:03}.jsonl" for number in range(150)]
    for name in names:
        laboratory.arrive(name, b'"a"\n')
    assert json.loads(scored(laboratory)["output"])["files"] == 150
    assert [name for name in laboratory.deployment.scored() if name.startswith("many/")] == names
    assert outcome(scored(laboratory)) == "nothing new"


def test_one_of_those_that_meet_waits_and_the_others_end(laboratory: Laboratory) -> None:
    with laboratory.asleep() as other:
        give_back = laboratory.hold("transform", other)
        first = laboratory.start("transform", {})
        until(lambda: "WaitForLock" in laboratory.entered(first))
        assert [outcome(scored(laboratory)) for _ in range(2)] == ["busy", "busy"]
        give_back()
        assert outcome(laboratory.ended(first)) == "nothing new"


def test_the_place_of_one_that_waited_and_ended_is_taken(laboratory: Laboratory) -> None:
    with laboratory.asleep() as other:
        give_back = laboratory.hold("transform", other, next=laboratory.arn("transform", "gone"))
        execution = laboratory.start("transform", {})
        until(lambda: "WaitForLock" in laboratory.entered(execution))
        give_back()
        assert outcome(laboratory.ended(execution)) == "nothing new"
