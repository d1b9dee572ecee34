"""What the deployed JSONata decides, evaluated by the same language's own engine."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonata
import pytest

from tests.stacks.evaluated import RUN, evaluate, evaluated, request
from tests.stacks.resolved import Environment, Template


@pytest.fixture(scope="session")
def machines(environments: dict[str, Environment]) -> dict[str, dict[str, Any]]:
    return {name: machine["States"] for name, machine in environments["dev"].machines.items()}


def decide(choice: dict[str, Any], **variables: Any) -> tuple[str, str]:
    """Where a choice goes, and the reason that it assigns on the way, if any."""
    for rule in choice["Choices"]:
        if evaluate(rule["Condition"], **variables):
            reason = rule.get("Assign", {}).get("reason", "''")
            return rule["Next"], evaluate(reason, **variables)
    return choice["Default"], ""


@pytest.mark.parametrize(
    ("accuracy", "champion", "next_state", "reason"),
    [
        (0.9, None, "Register", ""),
        (0.6, None, "Register", ""),
        (0.5999, None, "RegisterRejected", "accuracy 0.5999 is below the floor of 0.6"),
        (0.9, 0.88, "Register", ""),
        (0.896, 0.9, "Register", ""),
        (
            0.89,
            0.9,
            "RegisterRejected",
            "accuracy 0.89 is more than 0.005 below the champion on the same rows (0.9)",
        ),
        (0.5, 0.9, "RegisterRejected", "accuracy 0.5 is below the floor of 0.6"),
    ],
)
def test_the_gate_holds_a_model_to_the_floor_and_to_the_champion(
    machines: dict[str, dict[str, Any]], accuracy: float, champion: float | None, next_state: str, reason: str
) -> None:
    evaluation = {"accuracy": accuracy, "champion": champion if champion is None else {"accuracy": champion}}
    # jsonata-python takes a None binding for undefined; $parse in the state machine gives null.
    read = jsonata.Jsonata(json.dumps(evaluation)).evaluate(None)
    assert decide(machines["retrain"]["Gate"], evaluation=read) == (next_state, reason)


def slice_of(
    name: str, accuracy: float, champion: float | None, rows: int = 340, beyond_chance: bool = True
) -> dict[str, Any]:
    """What evaluate.py writes of a slice."""
    compared = champion and {"accuracy": champion, "p": 0.001, "beyond_chance": beyond_chance}
    return {"name": name, "rows": rows, "accuracy": accuracy, "champion": compared}


@pytest.mark.parametrize(
    ("slices", "reason"),
    [
        ([slice_of("slang", 0.86, 0.9)], None),
        ([slice_of("slang", 0.6, 0.65)], None),
        (
            [slice_of("short", 0.91, 0.9), slice_of("slang", 0.7123456, 0.8)],
            "accuracy 0.712346 on the slice slang (340 rows) is more than 0.05 below the champion on the"
            " same rows (0.8)",
        ),
        (
            [slice_of("slang", 0.7, 0.8), slice_of("latin", 0.5, 0.9, rows=100)],
            "accuracy 0.7 on the slice slang (340 rows) is more than 0.05 below the champion on the same"
            " rows (0.8); accuracy 0.5 on the slice latin (100 rows) is more than 0.05 below the champion on"
            " the same rows (0.9)",
        ),
        ([slice_of("slang", 0.7, 0.8, rows=99)], None),
        ([slice_of("slang", 0.7, 0.8, beyond_chance=False)], None),
        ([slice_of("slang", 0.9, 0.6)], None),
        ([slice_of("slang", 0.1, None)], None),
        ([], None),
    ],
    ids=[
        "a small drop",
        "the limit",
        "one collapses",
        "two collapse",
        "too few rows",
        "chance",
        "better",
        "no champion",
        "no slices",
    ],
)
def test_the_gate_stops_a_model_that_collapses_on_a_slice(
    machines: dict[str, dict[str, Any]], slices: list[dict[str, Any]], reason: str | None
) -> None:
    """Whatever it gains elsewhere: on all rows it is as good as the champion."""
    written = {"accuracy": 0.9, "champion": {"accuracy": 0.9}, "slices": slices}
    read = jsonata.Jsonata(json.dumps(written)).evaluate(None)
    expected = ("RegisterRejected", reason) if reason else ("Register", "")
    assert decide(machines["retrain"]["Gate"], evaluation=read) == expected


def optimisation(exported: bool = True, drop: float | None = None, reason: str | None = None) -> Any:
    """What optimise.py wrote, as the state machine reads it."""
    written = {"exported": exported, "reason": reason, "rows": 1200, "accuracy_drop": drop}
    return jsonata.Jsonata(json.dumps(written)).evaluate(None)


@pytest.mark.parametrize(
    ("drop", "next_state"),
    [
        (-0.01, "UseOptimised"),
        (0.0, "UseOptimised"),
        (0.003, "UseOptimised"),
        (0.9 - 0.897, "UseOptimised"),  # a hair above 0.003
        (0.0031, "Evaluate"),
        (0.5, "Evaluate"),
    ],
)
def test_the_optimised_variant_serves_unless_it_loses_too_much(
    machines: dict[str, dict[str, Any]], drop: float, next_state: str
) -> None:
    """A drop that is the limit passes, though as a difference of fractions it may be a hair above it."""
    chosen, _ = decide(machines["retrain"]["ChooseVariant"], optimisation=optimisation(drop=drop))
    assert chosen == next_state


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (
            optimisation(drop=0.005),
            "PyTorch: the int8 variant loses 0.5 points on 1,200 validation rows (limit 0.3)",
        ),
        (
            optimisation(exported=False, reason="the operator 토큰 섞기 has no ONNX form"),
            "PyTorch: the operator 토큰 섞기 has no ONNX form",
        ),
    ],
)
def test_why_pytorch_serves_is_said_in_words(
    machines: dict[str, dict[str, Any]], read: Any, said: str
) -> None:
    rules = machines["retrain"]["ChooseVariant"]["Choices"]
    rule = next(rule for rule in rules if evaluate(rule["Condition"], optimisation=read))
    assert rule["Next"] == "Evaluate"
    assert evaluate(rule["Assign"]["servedBy"], optimisation=read) == said


def test_the_optimised_archive_is_the_one_that_optimise_wrote(
    environments: dict[str, Environment], machines: dict[str, dict[str, Any]]
) -> None:
    outputs = request(environments["dev"], "retrain", "Optimise")["ProcessingOutputConfig"]["Outputs"]
    (written,) = (one["S3Output"]["S3Uri"] for one in outputs if one["OutputName"] == "model")
    chosen = evaluated(machines["retrain"]["UseOptimised"]["Assign"], run=RUN)
    assert chosen == {"modelData": f"{written}/model.tar.gz", "servedBy": "ONNX Runtime int8"}


def test_what_optimise_found_is_read_where_it_wrote_it(environments: dict[str, Environment]) -> None:
    outputs = request(environments["dev"], "retrain", "Optimise")["ProcessingOutputConfig"]["Outputs"]
    (written,) = (one["S3Output"]["S3Uri"] for one in outputs if one["OutputName"] == "optimisation")
    read = request(environments["dev"], "retrain", "ReadOptimisation")
    assert f"s3://{read['Bucket']}/{read['Key']}" == f"{written}/optimisation.json"


BECAUSE = "PyTorch: the int8 variant loses 0.5 points on 1,200 validation rows (limit 0.3)"


@pytest.mark.parametrize(
    ("state", "description"),
    [
        ("Register", f"Retrain {RUN}, served by {BECAUSE}"),
        ("RegisterRejected", f"Stopped by the gate: too bad; it would be served by {BECAUSE}"),
    ],
)
def test_a_package_says_what_serves_it(
    environments: dict[str, Environment], state: str, description: str
) -> None:
    asks = request(
        environments["dev"],
        "retrain",
        state,
        servedBy=BECAUSE,
        reason="too bad",
        evaluation={"accuracy": 0.9},
    )
    assert asks["ModelPackageDescription"] == description


def test_a_packages_property_says_what_serves_it_in_the_signs_that_the_registry_takes(
    environments: dict[str, Environment],
) -> None:
    """No comma, no bracket: a retrain would fail at its last step, after all was paid for."""
    register = request(
        environments["dev"], "retrain", "Register", servedBy=BECAUSE, evaluation={"accuracy": 0.9}
    )
    assert register["CustomerMetadataProperties"]["served_by"] == "PyTorch"
    for value in register["CustomerMetadataProperties"].values():
        assert re.fullmatch(r"[\w .:/=+\-@]{1,256}", value)


def test_a_description_is_one_line_of_the_length_that_the_registry_takes(
    environments: dict[str, Environment],
) -> None:
    lines = "PyTorch: " + "a\nb " * 1000
    asks = request(environments["dev"], "retrain", "Register", servedBy=lines, evaluation={"accuracy": 0.9})
    assert len(asks["ModelPackageDescription"]) == 1024
    assert "\n" not in asks["ModelPackageDescription"]


def test_people_are_told_what_a_stopped_model_would_be_served_by(
    machines: dict[str, dict[str, Any]],
) -> None:
    end = machines["retrain"]["RejectedByGate"]["Assign"]["end"]
    message = evaluate(end["message"], servedBy=BECAUSE, reason="too bad", run=RUN)
    assert f"It was scored as it would be served, by {BECAUSE}\n" in message


@pytest.mark.parametrize(
    ("package", "ends"),
    [
        (
            {"ModelPackageDescription": f"Retrain 1, served by {BECAUSE}"},
            f"old\nRetrain 1, served by {BECAUSE}",
        ),
        ({}, "It took over from: old"),
    ],
)
def test_people_are_told_what_a_promoted_model_is_served_by(
    machines: dict[str, dict[str, Any]], package: dict[str, str], ends: str
) -> None:
    """A package that a person registered may say nothing about itself."""
    promote = machines["promote"]
    about = evaluate(promote["DescribePackage"]["Assign"]["about"], states={"result": package})
    end = promote["Promoted"]["Assign"]["end"]
    message = evaluate(end["message"], package="new", previous="old", about=about)
    assert message.endswith(ends)


@pytest.mark.parametrize(
    ("given", "next_state"),
    [
        ({}, "Begin"),
        ({"data_prefix": "few/", "base_checkpoint": "a-b_c.1", "hyperparameters": {"seed": 1}}, "Begin"),
        ([], "RefuseInput"),
        ("few/", "RefuseInput"),
        ({"data_prefx": "few/"}, "RefuseFields"),
        ({"data_prefix": "few"}, "RefuseDataPrefix"),
        ({"data_prefix": "/few/"}, "RefuseDataPrefix"),
        ({"data_prefix": 1}, "RefuseDataPrefix"),
        ({"base_checkpoint": "a/b"}, "RefuseCheckpoint"),
        ({"base_checkpoint": ["a"]}, "RefuseCheckpoint"),
        ({"hyperparameters": "seed=1"}, "RefuseHyperparameters"),
        ({"hyperparameters": ["seed"]}, "RefuseHyperparameters"),
    ],
)
def test_a_wrong_execution_input_is_refused_by_field(
    machines: dict[str, dict[str, Any]], given: Any, next_state: str
) -> None:
    assert decide(machines["retrain"]["CheckInput"], states={"input": given})[0] == next_state


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("0f5b7c1e-5d4c-4a0e-9a53-1d2f3a4b5c6d", "0f5b7c1e-5d4c-4a0e-9a53-1d2f3a4b5c6d"),
        ("retrain(1)", "<hash>"),
        ("x" * 80, "<hash>"),
        ("ends-with-", "<hash>"),
    ],
)
def test_a_run_is_named_so_that_a_job_may_have_its_name(
    machines: dict[str, dict[str, Any]], name: str, run: str
) -> None:
    # $hash is Step Functions' own; the engine at hand has none.
    expression = re.sub(r"\$hash\(.*?, 'MD5'\)", "'<hash>'", machines["retrain"]["Begin"]["Assign"]["run"])
    assert evaluate(expression, states={"context": {"Execution": {"Name": name}}}) == run


def test_an_execution_cannot_bring_code_of_its_own(machines: dict[str, dict[str, Any]]) -> None:
    given = {"hyperparameters": {"sagemaker_submit_directory": "s3://elsewhere/x.tar.gz", "seed": 7}}
    merged = evaluate(machines["retrain"]["Begin"]["Assign"]["hyperparameters"], states={"input": given})
    assert merged["seed"] == "7"
    assert "elsewhere" not in merged["sagemaker_submit_directory"]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (
            [
                ("2026-01-02T00:00:03Z", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed"),
                ("2026-01-02T00:00:02Z", "CREATE_FAILED", "Resource creation cancelled"),
                ("2026-01-02T00:00:01Z", "UPDATE_FAILED", "the container did not answer"),
                ("2026-01-01T00:00:00Z", "CREATE_FAILED", "of another day"),
            ],
            "the container did not answer",
        ),
        ([("2026-01-02T00:00:01Z", "UPDATE_COMPLETE", "")], "CloudFormation rolled the stack back"),
    ],
)
def test_a_rollback_is_explained_by_what_failed_first(
    machines: dict[str, dict[str, Any]], events: list[tuple[str, str, str]], message: str
) -> None:
    keys = ("Timestamp", "ResourceStatus", "ResourceStatusReason")
    states = {
        "context": {"Execution": {"StartTime": "2026-01-02T00:00:00.000Z"}},
        "result": {"StackEvents": [dict(zip(keys, event, strict=True)) for event in events]},
    }
    expression = machines["promote"]["ExplainRollback"]["Output"]["message"]
    assert evaluate(expression, states=states) == message


@pytest.mark.parametrize(
    ("given", "next_state"),
    [
        ({}, "Begin"),
        ({"again": "2027/01/reviews.jsonl"}, "Begin"),
        ({"again": "", "quiet": True}, "Begin"),
        ([], "RefuseInput"),
        ({"prefix": "2027/"}, "RefuseInput"),
        ({"again": "/2027/"}, "RefuseInput"),
        ({"again": 2027}, "RefuseInput"),
        ({"quiet": "yes"}, "RefuseInput"),
    ],
)
def test_a_wrong_input_of_a_batch_is_refused(
    machines: dict[str, dict[str, Any]], given: Any, next_state: str
) -> None:
    assert decide(machines["transform"]["CheckInput"], states={"input": given})[0] == next_state


@pytest.mark.parametrize(
    ("champion", "names"),
    [
        (None, ["CandidateAccuracy", "CandidateMacroF1"]),
        ({"accuracy": 0.8}, ["CandidateAccuracy", "CandidateMacroF1", "ChampionAccuracy"]),
    ],
)
def test_the_champions_accuracy_is_recorded_when_there_is_a_champion(
    machines: dict[str, dict[str, Any]], champion: dict[str, float] | None, names: list[str]
) -> None:
    read = jsonata.Jsonata(json.dumps({"accuracy": 0.9, "macro_f1": 0.9, "champion": champion})).evaluate(
        None
    )
    data = evaluated(machines["retrain"]["RecordMetrics"]["Arguments"]["MetricData"], evaluation=read)
    assert [metric["MetricName"] for metric in data] == names


def test_a_promotion_carries_over_every_parameter_of_the_serving_stack(
    machines: dict[str, dict[str, Any]], templates: dict[str, Template]
) -> None:
    """One that is not named would fall back to its default at the next promotion."""
    carried = machines["promote"]["UpdateServing"]["Arguments"]["Parameters"]
    assert {one["ParameterKey"] for one in carried} == set(templates["serving"].body["Parameters"])


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_a_promotion_acknowledges_the_identities_in_the_serving_stack(
    environments: dict[str, Environment], name: str
) -> None:
    """CloudFormation refuses to update a stack with roles in it for a caller who does not say so."""
    environment = environments[name]
    identities = list(environment.of_type("AWS::IAM::Role"))
    in_serving = [properties for part, _, properties in identities if part == "serving"]
    assert not [role for role in in_serving if "RoleName" in role], "CAPABILITY_NAMED_IAM"
    update = environment.machines["promote"]["States"]["UpdateServing"]["Arguments"]
    assert update.get("Capabilities", []) == (["CAPABILITY_IAM"] if in_serving else [])


@pytest.mark.parametrize(
    ("fingerprint", "champions", "force", "next_state"),
    [
        ("a", "a", False, "NothingNew"),
        ("a", "a", True, "Train"),
        ("a", "b", False, "Train"),
        ("a", "", False, "Train"),
    ],
)
def test_nothing_is_trained_where_nothing_is_new(
    machines: dict[str, dict[str, Any]], fingerprint: str, champions: str, force: bool, next_state: str
) -> None:
    found = {"fingerprint": fingerprint, "championFingerprint": champions, "force": force}
    assert decide(machines["retrain"]["IsAnythingNew"], **found)[0] == next_state


@pytest.mark.parametrize(
    "changed",
    [
        {"manifest": {"fingerprint": "other"}},
        {"hyperparameters": {"seed": "43"}},
        {"baseCheckpoint": "other"},
    ],
)
def test_data_code_hyperparameters_and_base_are_what_a_model_is_made_of(
    machines: dict[str, dict[str, Any]], changed: dict[str, Any]
) -> None:
    # $hash is Step Functions' own; what is hashed is what is looked at.
    expression = machines["retrain"]["Fingerprint"]["Assign"]["fingerprint"]
    hashed = re.sub(r"\$hash\((.*), 'SHA-256'\)", r"\1", expression)
    known = {
        "manifest": {"fingerprint": "one"},
        "hyperparameters": {"seed": "42"},
        "baseCheckpoint": "koelectra",
    }
    assert evaluate(hashed, **known) != evaluate(hashed, **(known | changed))


def test_a_packages_hyperparameters_are_the_scripts_and_not_the_toolkits(
    environments: dict[str, Environment],
) -> None:
    given = {"seed": "42", "learning_rate": "0.0001", "sagemaker_program": "train.py"}
    register = request(
        environments["dev"],
        "retrain",
        "Register",
        servedBy="PyTorch",
        evaluation={"accuracy": 0.9},
        hyperparameters=given,
    )
    properties = register["CustomerMetadataProperties"]
    assert properties["hyperparameters"].split() == ["seed=42", "learning_rate=0.0001"]
