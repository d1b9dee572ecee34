"""JSONata of the deployed definitions, evaluated by the same language's own engine."""

from __future__ import annotations

from typing import Any

import jsonata

from tests.stacks.resolved import Environment, Json

RUN = "0f5b7c1e-5d4c-4a0e-9a53-1d2f3a4b5c6d"


def evaluate(expression: str, **variables: Any) -> Any:
    """The value of a `{% … %}` string; `states` stands for `$states`."""
    return jsonata.Jsonata(expression.removeprefix("{%").removesuffix("%}")).evaluate(None, variables)


def evaluated(value: Any, **variables: Any) -> Any:
    """`value` with each `{% … %}` string in it evaluated."""
    if isinstance(value, dict):
        return {key: evaluated(item, **variables) for key, item in value.items()}
    if isinstance(value, list):
        return [evaluated(item, **variables) for item in value]
    if isinstance(value, str) and value.startswith("{%"):
        return evaluate(value, **variables)
    return value


def decide(choice: Json, **variables: Any) -> str:
    """The state that a choice goes on with."""
    for rule in choice["Choices"]:
        if evaluate(rule["Condition"], **variables):
            return str(rule["Next"])
    return str(choice["Default"])


def request(environment: Environment, machine: str, state: str, **variables: Any) -> Json:
    """The request that a state makes in the run `RUN`."""
    known = {
        "run": RUN,
        "job": RUN,
        "instanceType": environment.settings.training.instance_type,
        "states": {
            "context": {"Execution": {"RedriveCount": 0, "Id": f"arn:aws:states:::execution:x:{RUN}"}}
        },
        "dataPrefix": "reviews/",
        "round": 1,
        "baseCheckpoint": "koelectra",
        "hyperparameters": {"seed": "42"},
        "modelData": f"s3://artifacts/models/{RUN}/train/output/model.tar.gz",
        "champion": "none",
        "championData": "",
        "championManifest": "",
        "manifest": {"fingerprint": "f" * 64, "code_sha256": "c" * 64},
        "fingerprint": "e" * 64,
    }
    arguments = environment.machines[machine]["States"][state]["Arguments"]
    made: Json = evaluated(arguments, **{**known, **variables})
    return made
