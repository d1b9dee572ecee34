"""What is new below `incoming/`, what a job has made of it, and what is remembered: the deployed JSONata."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.evaluated import decide, evaluated
from tests.stacks.resolved import Environment, Json

File = dict[str, str]


@pytest.fixture(scope="session")
def states(environments: dict[str, Environment]) -> dict[str, Json]:
    found: dict[str, Json] = environments["dev"].machines["transform"]["States"]
    return found


def files(*numbers: int, etag: str = "1") -> list[File]:
    return [{"Key": f"incoming/{number}", "ETag": etag} for number in numbers]


def assigned(state: Json, result: Any = None, **variables: Any) -> Json:
    known: Json = evaluated(state["Assign"], states={"result": result}, **variables)
    return known


@pytest.mark.parametrize(
    ("listed", "page", "after"),
    [
        ({"IsTruncated": False}, [], ""),
        ({"IsTruncated": False, "Contents": files(1)}, files(1), ""),
        ({"IsTruncated": True, "Contents": files(1, 2)}, files(1, 2), "incoming/2"),
        (
            {"IsTruncated": True, "Contents": [*files(1), {"Key": "incoming/z/", "ETag": "1"}]},
            files(1),
            "incoming/z/",
        ),
    ],
    ids=["none", "one", "more to come", "a folder"],
)
def test_a_listing_is_of_files_and_goes_on_where_it_ended(
    states: dict[str, Json], listed: Json, page: list[File], after: str
) -> None:
    found = assigned(states["ListFiles"], listed, pages=0)
    assert (found["page"], found["after"], found["pages"]) == (page, after, 1)


def record(etag: str | None) -> Json:
    return {"Item": {"file": {"S": "x"}, "etag": {"S": etag}}} if etag else {}


@pytest.mark.parametrize(
    ("records", "more", "new"),
    [
        ([None, None], {}, files(1, 2)),
        (["1", "1"], {}, []),
        (["1", "2"], {}, files(2)),
        (["1", None], {"failed": ["incoming/2"]}, []),
        (["1", "1"], {"again": ["2"]}, files(2)),
        (["1", "1"], {"again": [""]}, files(1, 2)),
        (["1", "1"], {"again": ["3"]}, []),
        (["1", "1"], {"again": [""], "failed": ["incoming/1"]}, files(2)),
    ],
    ids=["unknown", "known", "changed", "failed", "again", "all again", "others again", "again and failed"],
)
def test_a_file_is_new_when_it_was_not_scored_as_it_is(
    states: dict[str, Json], records: list[str | None], more: Json, new: list[File]
) -> None:
    known = {"files": files(0), "page": files(1, 2), "failed": [], "again": [], **more}
    found = assigned(states["ReadScored"], {"Responses": [record(etag) for etag in records]}, **known)
    assert found["files"] == [*files(0), *new]


@pytest.mark.parametrize(
    ("known", "next_state"),
    [
        ({"after": "incoming/9", "files": []}, "ListFiles"),
        ({"after": "incoming/9", "files": files(*range(1000))}, "ListFiles"),
        ({"after": "incoming/9", "files": files(*range(2000))}, "WriteManifest"),
        ({"after": "", "files": files(1)}, "WriteManifest"),
        ({"after": "", "files": [], "scored": True}, "LookAgain"),
        ({"after": "", "files": []}, "HowItEnds"),
        ({"after": "incoming/9", "files": files(1), "pages": 1001}, "RefuseSoMany"),
    ],
)
def test_a_job_takes_what_a_state_can_hold_and_the_next_one_the_rest(
    states: dict[str, Json], known: Json, next_state: str
) -> None:
    assert decide(states["IsItEnough"], **{"scored": False, "pages": 1, **known}) == next_state


def test_a_page_of_the_longest_keys_fits_into_what_a_state_may_hold(states: dict[str, Json]) -> None:
    """256 KB, of which the files of a job and their listing are the most."""
    least = states["ListFiles"]["Arguments"]["MaxKeys"]
    longest = {"Key": "가" * 341 + "a", "ETag": '"0123456789abcdef0123456789abcdef-10000"'}
    entry = len(str(longest).encode()) + 200  # its times, size, class and checksum
    assert least * entry < 256 * 1024
    assert 3 * 40_000 + least * len(str(longest).encode()) < 256 * 1024


PREDICTIONS = [
    {"Key": "predictions/1.out", "LastModified": "2027-01-01T00:00:10.000Z"},
    {"Key": "predictions/2.out", "LastModified": "2026-12-31T23:59:59.000Z"},
    {"Key": "predictions/9.out", "LastModified": "2027-01-01T00:00:10.000Z"},
]


def test_what_a_job_has_made_is_what_was_written_since_it_began(states: dict[str, Json]) -> None:
    """A prediction of an earlier time is of an earlier file."""
    began = 1798761600000  # 2027-01-01
    listed = {"IsTruncated": False, "Contents": PREDICTIONS}
    found = assigned(states["ListPredictions"], listed, files=files(1, 2, 3), made=[], began=began)
    assert found == {"made": files(1), "seen": ""}


def test_a_job_that_made_nothing_ends_the_execution(states: dict[str, Json]) -> None:
    """Capacity or permissions: another job would cost as much, and make as little."""
    known = {"files": files(1, 2), "made": [], "failed": [], "total": 3, "round": 1}
    after = assigned(states["Settle"], **known)
    assert after["failed"] == ["incoming/1", "incoming/2"]
    assert after["total"] == 3
    assert decide(states["IsAllRecorded"], made=[], after="", **_only(after, "giveUp")) == "HowItEnds"


def test_a_file_that_failed_lets_the_others_go_on(states: dict[str, Json]) -> None:
    known = {"files": files(1, 2), "made": files(2), "failed": ["incoming/0"], "total": 3, "round": 1}
    after = assigned(states["Settle"], **known)
    assert after["failed"] == ["incoming/0", "incoming/1"]
    assert (after["total"], after["round"], after["files"], after["scored"]) == (4, 2, [], True)
    assert decide(states["IsAllRecorded"], made=[], after="x", **_only(after, "giveUp")) == "ListFiles"
    assert decide(states["IsAllRecorded"], made=[], after="", **_only(after, "giveUp")) == "LookAgain"


def test_many_files_that_fail_end_the_execution(states: dict[str, Json]) -> None:
    known = {"files": files(*range(101)), "made": files(1), "failed": [], "total": 0, "round": 1}
    assert assigned(states["Settle"], **known)["giveUp"] is True


def _only(known: Json, *names: str) -> Json:
    return {name: known[name] for name in names}


def test_a_hundred_files_are_recorded_at_a_time(states: dict[str, Json]) -> None:
    """A transaction takes no more."""
    made = files(*range(101), etag='"e"')
    items = evaluated(states["RecordScored"]["Arguments"]["TransactItems"], made=made)
    assert [one["Put"]["Item"]["file"]["S"] for one in items] == [one["Key"] for one in made[:100]]
    assert items[0]["Put"]["Item"]["etag"] == {"S": '"e"'}
    assert assigned(states["RecordScored"], made=made)["made"] == made[100:]
    assert decide(states["IsAllRecorded"], made=made[100:], giveUp=True, after="") == "RecordScored"
