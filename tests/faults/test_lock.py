"""Who gets the lock: the deployed states, and locks as others left them."""

from __future__ import annotations

import json

import pytest

from tests.faults.drives import Drives
from tests.faults.laboratory import Laboratory, until
from tests.localaws.helpers import wait

FAILING = ("retrain", "ReadChampion", "access denied")
pytestmark = pytest.mark.end_to_end


@pytest.fixture
def laboratory(laboratories: list[Laboratory]) -> Laboratory:
    return laboratories[0]


def test_a_retrain_ends_at_once_while_another_runs(laboratory: Laboratory) -> None:
    first = laboratory.start("retrain", {"hyperparameters": {"label": "poor"}})
    until(laboratory.locks)
    second = laboratory.ended(laboratory.start("retrain", {}))
    assert json.loads(second["output"])["outcome"] == "busy"
    assert laboratory.ended(first)["status"] == "SUCCEEDED"
    laboratory.quiet()
    assert laboratory.messages(first, second["executionArn"]) == 2


def test_a_promotion_waits_for_another(laboratory: Laboratory) -> None:
    retrain = laboratory.start("retrain", {"hyperparameters": {"label": "poor"}})
    give_back = laboratory.hold("promote", retrain)
    promotion = laboratory.start("promote", {"model_package_arn": laboratory.deployment.champion()})
    wait(lambda: "WaitForLock" in laboratory.entered(promotion))
    give_back()
    assert laboratory.ended(promotion)["status"] == "SUCCEEDED"
    assert laboratory.ended(retrain)["status"] == "SUCCEEDED"
    laboratory.quiet()
    assert laboratory.messages(retrain, promotion) == 2


@pytest.mark.parametrize(
    ("expires_at", "by"), [(2**40, "DescribeHolder"), (1, "TakeLock")], ids=["crashed", "expired"]
)
def test_a_lock_is_taken_over(laboratory: Laboratory, expires_at: int, by: str) -> None:
    """From a holder that has ended without giving it back, and from any when its time is over."""
    laboratory.hold("retrain", laboratory.arn("retrain", "gone"), expires_at)
    seen = Drives(laboratory).drive("retrain", {}, FAILING)
    entered = laboratory.entered(seen.execution)
    assert entered[-1] == "ReadChampion"
    assert ("DescribeHolder" in entered) == (by == "DescribeHolder")
    assert laboratory.locks() == []
