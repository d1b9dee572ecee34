"""Which commit an environment runs."""

from __future__ import annotations

import json
from typing import Any

from tests.delivery.conftest import Run


def deployments(*found: tuple[str, str | None]) -> dict[str, Any]:
    nodes = [
        {"commitOid": commit, "latestStatus": {"state": state} if state else None} for commit, state in found
    ]
    return {"data": {"repository": {"deployments": {"nodes": nodes}}}}


def test_it_is_the_newest_deployment_that_succeeded(run: Run) -> None:
    answer = deployments(
        ("waits", "WAITING"), ("new", None), ("broke", "FAILURE"), ("runs", "SUCCESS"), ("ran", "INACTIVE")
    )
    finished = run("running", "staging", answers={"environment=staging": answer})
    assert json.loads(finished.stdout) == [{"environment": "staging", "commit": "runs"}]


def test_an_environment_that_was_never_deployed_is_left_out(run: Run) -> None:
    answers = {
        "environment=dev": deployments(("runs", "SUCCESS")),
        "environment=prod": deployments(("broke", "ERROR")),
    }
    finished = run("running", "dev", "prod", answers=answers)
    assert json.loads(finished.stdout) == [{"environment": "dev", "commit": "runs"}]
