from __future__ import annotations

from typing import Any

import pytest

from review.model import WorkflowChange
from review.pictures import Edge, Node, picture
from tests.review.examples import retrain, workflow

DRAWN = picture(workflow("prod"))
MARKS = {node.name: node.mark for node in DRAWN.nodes}


def between(source: str, target: str) -> list[Edge]:
    return [edge for edge in DRAWN.edges if (edge.source, edge.target) == (source, target)]


@pytest.mark.parametrize(
    ("name", "mark"),
    [("Train", "changed"), ("AskForApproval", "added"), ("RegisterRejected", "removed"), ("Prepare", "")],
)
def test_a_state_is_marked_by_what_happens_to_it(name: str, mark: str) -> None:
    assert MARKS[name] == mark


def test_plumbing_that_stays_as_it_is_is_not_drawn() -> None:
    assert "CheckInput" not in MARKS


def test_plumbing_that_changes_is_drawn() -> None:
    assert MARKS["ReadEvaluation"] == "changed"


def test_an_arrow_passes_over_what_is_not_drawn() -> None:
    before = picture(WorkflowChange("s", "retrain", {}, retrain()))
    assert Edge("Train", "Gate", fails=False) in before.edges


def test_states_that_are_not_drawn_may_lead_to_each_other() -> None:
    states = {
        "Start": {"Type": "Pass", "Next": "ReadOne"},
        "ReadOne": {"Type": "Pass", "Next": "CheckOne"},
        "CheckOne": {"Type": "Choice", "Choices": [{"Next": "ReadOne"}], "Default": "Done"},
        "Done": {"Type": "Succeed"},
    }
    assert picture(WorkflowChange("s", "x", {}, {"States": states})).edges == (Edge("Start", "Done", False),)


@pytest.mark.parametrize(
    ("source", "target", "mark"),
    [("Gate", "AskForApproval", "added"), ("Gate", "Promote", "removed"), ("Prepare", "Train", "")],
)
def test_an_arrow_is_marked_by_what_happens_to_it(source: str, target: str, mark: str) -> None:
    assert [edge.mark for edge in between(source, target)] == [mark]


def test_the_way_of_a_failure_is_drawn() -> None:
    assert between("Promote", "RestoreChampion") == [Edge("Promote", "RestoreChampion", fails=True)]


def test_a_task_whose_failure_is_no_longer_caught_shows_it() -> None:
    after: Any = retrain()
    del after["States"]["Promote"]["Catch"]
    change = WorkflowChange("s", "retrain", retrain(), after, {"Promote": "changed"})
    assert Edge("Promote", "RestoreChampion", fails=True, mark="removed") in picture(change).edges


def test_what_was_removed_stands_where_it_stood() -> None:
    names = [node.name for node in DRAWN.nodes]
    assert names[names.index("Gate") + 1] == "RegisterRejected"


def test_a_new_workflow_has_no_marks() -> None:
    new = picture(WorkflowChange("s", "retrain", {}, retrain(), dict.fromkeys(retrain()["States"], "added")))
    assert {node.mark for node in new.nodes} | {edge.mark for edge in new.edges} == {""}


def test_a_workflow_that_goes_is_drawn_as_it_was() -> None:
    gone = picture(WorkflowChange("s", "retrain", retrain(), {}))
    assert Node("Train", "Task") in gone.nodes
