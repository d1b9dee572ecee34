from __future__ import annotations

from review.cost_rows import cost_rows, prices
from review.model import Cost, CostLine


def costs(*whats: str, usd: float = 1.0) -> Cost:
    return Cost(tuple(CostLine(what, "730 h a month", usd) for what in whats))


def test_what_is_on_both_sides_is_one_row() -> None:
    (row,) = cost_rows(costs("key"), costs("key", usd=2.0))
    assert (row.what, row.before, row.after) == ("key", 1.0, 2.0)


def test_the_same_thing_of_another_size_is_one_row() -> None:
    (row,) = cost_rows(costs("endpoint: 2 × ml.c6i.xlarge"), costs("endpoint: 4 × ml.c6i.xlarge"))
    assert row.what == "endpoint: 2 × ml.c6i.xlarge → 4 × ml.c6i.xlarge"


def test_each_line_is_in_one_row() -> None:
    rows = cost_rows(
        costs("bucket: Data", "bucket: Logs"), costs("bucket: Logs", "bucket: Reviews", "bucket: New")
    )
    assert [(row.before, row.after) for row in rows] == [(1.0, 1.0), (1.0, 1.0), (None, 1.0)]


def test_what_is_there_no_longer_has_a_row() -> None:
    assert [row.after for row in cost_rows(costs("key", "queue"), costs("key"))] == [1.0, None]


def test_an_assumption_that_changes_is_told() -> None:
    (row,) = cost_rows(Cost((CostLine("logs", "1 GB", 1.0),)), Cost((CostLine("logs", "2 GB", 2.0),)))
    assert row.assumption == "1 GB → 2 GB"


def test_a_new_environment_cost_nothing_before() -> None:
    after = Cost((CostLine("key", "", 1.0),), retrain=2.5, million_predictions={"real-time": 6.4})
    assert prices(None, after) == [
        ("a month", None, 1.0),
        ("one retrain", None, 2.5),
        ("a million predictions, real-time", None, 6.4),
    ]
