"""What a promotion refuses, what it asks the endpoints, and what starts one, by the deployed definitions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stacks.settings import Settings
from stacks.smoke_test import smoke_test
from tests.stacks.evaluated import decide, evaluate, evaluated
from tests.stacks.resolved import Environment, Json

PACKAGE = "arn:aws:sagemaker:ap-northeast-2:111122223333:model-package/nunchi-dev-0a1b2c3d/7"
GOOD = [{"label": "positive", "score": 0.98}, {"label": "negative", "score": 0.99}]


@pytest.fixture(scope="session")
def promote(environments: dict[str, Environment]) -> dict[str, Json]:
    states: dict[str, Json] = environments["staging"].machines["promote"]["States"]
    return states


@pytest.mark.parametrize(
    ("given", "next_state"),
    [
        ({"model_package_arn": PACKAGE}, "Begin"),
        ({"model_package_arn": PACKAGE, "force": True}, "Begin"),
        ({"model_package_arn": PACKAGE, "status": "Approved"}, "Begin"),
        ({"model_package_arn": PACKAGE, "status": "Rejected"}, "MarkRejected"),
        ({}, "RefuseInput"),
        ([], "RefuseInput"),
        ({"model_package_arn": 7}, "RefuseInput"),
        ({"model_package_arn": PACKAGE, "force": "yes"}, "RefuseInput"),
        ({"model_package_arn": PACKAGE, "forse": True}, "RefuseInput"),
    ],
)
def test_a_wrong_input_is_refused_and_a_rejection_remembered(
    promote: dict[str, Json], given: Any, next_state: str
) -> None:
    assert decide(promote["CheckInput"], states={"input": given}) == next_state


@pytest.mark.parametrize(
    ("found", "next_state"),
    [
        ({}, "DescribeChampion"),
        ({"previous": "none"}, "ReadServing"),
        ({"previous": PACKAGE}, "ReadServing"),
        ({"approval": "PendingManualApproval"}, "RefusePackage"),
        ({"approval": "Rejected", "force": True}, "RefusePackage"),
        ({"rejected": True}, "RefuseRejected"),
        ({"rejected": True, "force": True}, "ReadServing"),
        ({"force": True}, "ReadServing"),
    ],
)
def test_a_package_serves_that_is_approved_and_never_was_rejected(
    promote: dict[str, Json], found: dict[str, Any], next_state: str
) -> None:
    usual = {
        "approval": "Approved",
        "force": False,
        "rejected": False,
        "package": PACKAGE,
        "previous": PACKAGE.replace("/7", "/6"),
    }
    assert decide(promote["MayItServe"], **(usual | found)) == next_state


@pytest.mark.parametrize(
    ("made", "champion_made", "next_state"),
    [
        ("2026-11-02T03:00:00.000Z", "2026-11-01T03:00:00.000Z", "ReadServing"),
        ("2026-11-01T03:00:00.000Z", "2026-11-02T03:00:00.000Z", "RefuseLate"),
    ],
)
def test_an_approval_that_comes_late_is_refused(
    promote: dict[str, Json], made: str, champion_made: str, next_state: str
) -> None:
    """It was compared with a champion that no longer serves."""
    assert decide(promote["IsItLate"], made=made, championMade=champion_made) == next_state


@pytest.mark.parametrize("state", ["RefuseLate", "RefuseRejected"])
def test_a_refusal_says_how_to_promote_all_the_same(promote: dict[str, Json], state: str) -> None:
    said = evaluate(promote[state]["Output"]["message"], package=PACKAGE, previous="the other")
    assert PACKAGE in said
    assert '"force": true' in said


def test_every_endpoint_is_asked_the_golden_sentences(environments: dict[str, Environment]) -> None:
    for environment in environments.values():
        states = environment.machines["promote"]["States"]
        asked = {
            state["Arguments"]["EndpointName"]: json.loads(state["Arguments"]["Body"])["inputs"]
            for state in states.values()
            if "invokeEndpoint" in state.get("Resource", "")
        }
        golden = environment.settings.serving.golden_sentences
        texts = [sentence.text for sentence in golden] or ["정말 재미있어요"]
        endpoints = [p["EndpointName"] for _, _, p in environment.of_type("AWS::SageMaker::Endpoint")]
        assert asked == dict.fromkeys(endpoints, texts)


@pytest.mark.parametrize(
    ("answers", "next_state"),
    [
        (GOOD, "MarkChampion"),
        (list(reversed(GOOD)), "WrongAnswer"),
        (GOOD[:1], "WrongAnswer"),
        ([*GOOD, *GOOD], "WrongAnswer"),
        ([GOOD[0], {"label": "negative"}], "WrongAnswer"),
        ([GOOD[0], {"label": "negative", "score": "0.9"}], "WrongAnswer"),
        ({"error": {"code": "internal_error"}}, "WrongAnswer"),
        ("positive", "WrongAnswer"),
    ],
)
def test_one_wrong_answer_fails_the_smoke_test(
    promote: dict[str, Json], answers: Any, next_state: str
) -> None:
    assert decide(promote["IsRealtimeRight"], answers=answers) == next_state


def test_without_golden_sentences_an_answer_of_the_right_form_will_do(
    variants: dict[str, Environment],
) -> None:
    right = variants["gpu"].machines["promote"]["States"]["IsRealtimeRight"]
    assert decide(right, answers=[{"label": "뭐든지", "score": 0.5}]) == "MarkChampion"
    assert decide(right, answers=[{"label": "뭐든지"}]) == "WrongAnswer"


def test_a_wrong_answer_is_told_with_the_question(promote: dict[str, Json]) -> None:
    said = evaluated(
        promote["WrongAnswer"]["Output"], endpoint="nunchi-dev", answers=[{"label": "neutral", "score": 0.4}]
    )
    assert said["message"].startswith("nunchi-dev answered [{")
    assert "시간 낭비였다. 너무 지루하고 재미없다' (right: negative)" in said["message"]
    assert said["mend"] == "The previous model serves again."


def test_an_environment_without_endpoints_has_nothing_to_ask(variants: dict[str, Environment]) -> None:
    states = variants["batch"].machines["promote"]["States"]
    assert [name for name, state in states.items() if "invokeEndpoint" in state.get("Resource", "")] == []
    assert states["IsItTheNewModel"]["Default"] == "MarkChampion"


@pytest.mark.parametrize(
    ("status", "brought_back", "next_state"),
    [
        ("UPDATE_COMPLETE", False, "IsItTheNewModel"),
        ("UPDATE_COMPLETE", True, "IsItTheNewModel"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False, "WaitForServing"),
        ("UPDATE_ROLLBACK_COMPLETE", False, "RolledBack"),
        ("UPDATE_ROLLBACK_COMPLETE", True, "NotBroughtBack"),
    ],
)
def test_the_watch_of_the_stack_knows_which_model_it_waits_for(
    promote: dict[str, Json], status: str, brought_back: bool, next_state: str
) -> None:
    assert decide(promote["IsServing"], stackStatus=status, broughtBack=brought_back) == next_state


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_approving_or_rejecting_in_the_registry_starts_the_promotion(
    environments: dict[str, Environment], name: str
) -> None:
    environment = environments[name]
    (rule,) = (
        properties
        for _, _, properties in environment.of_type("AWS::Events::Rule")
        if properties["EventPattern"]["source"] == ["aws.sagemaker"]
    )
    detail = rule["EventPattern"]["detail"]
    assert detail["ModelApprovalStatus"] == ["Approved", "Rejected"]
    # A promotion marks the package, and would be started by its own mark.
    assert detail["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]
    (target,) = rule["Targets"]
    assert target["Arn"].endswith(f":stateMachine:{environment.settings.name('promote')}")
    assert target["InputTransformer"]["InputTemplate"] == (
        '{"model_package_arn": <package>, "status": <status>}'
    )


def test_prods_models_wait_for_a_person(environments: dict[str, Environment]) -> None:
    waiting = {
        name: environment.machines["retrain"]["States"]["Register"]["Arguments"]["ModelApprovalStatus"]
        for name, environment in environments.items()
    }
    assert waiting == {"dev": "Approved", "staging": "Approved", "prod": "PendingManualApproval"}


@pytest.mark.parametrize(("to_blame", "next_state"), [(True, "RejectPackage"), (False, "Failed")])
def test_a_model_that_could_not_be_asked_is_not_rejected(
    promote: dict[str, Json], to_blame: bool, next_state: str
) -> None:
    """Rejection is final: what the network or a role did must not cost a good model."""
    its_error, any_error = promote["AskRealtime"]["Catch"]
    assert its_error["ErrorEquals"] == ["SageMakerRuntime.ModelErrorException"]
    assert "toBlame" not in its_error["Assign"]
    assert any_error["Assign"]["toBlame"] is False
    assert decide(promote["IsItToBlame"], toBlame=to_blame) == next_state


def test_a_golden_pair_is_asked_as_a_pair_and_told_with_both_texts() -> None:
    pair = {"text": "비가 온다", "text_pair": "날씨가 궂다"}
    settings = Settings.model_validate(
        {
            "environment": "dev",
            "owner": "nlp",
            "cost_centre": "nlp",
            "data": {"text_pair_column": "가설"},
            "serving": {"golden_sentences": [pair | {"label": "positive"}]},
        }
    )
    states = smoke_test(settings, next="Done", failed="Failed")
    assert json.loads(states["AskRealtime"]["Arguments"]["Body"])["inputs"] == [pair]
    said = evaluated(states["WrongAnswer"]["Output"], endpoint="nunchi-dev", answers=[])
    assert said["message"].endswith("to '비가 온다' and '날씨가 궂다' (right: positive)")
