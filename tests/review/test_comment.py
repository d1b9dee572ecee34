from __future__ import annotations

import html as entities
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from review.model import EnvironmentReview, PropertyChange, Review, SettingChange, WorkflowChange
from review.pages import markdown
from tests.review import examples
from tests.review.small_reviews import changed, nasty, resource, section


@pytest.fixture(scope="module")
def comment() -> str:
    return markdown(examples.everything())


@pytest.mark.parametrize(
    ("review", "line"),
    [
        (examples.nothing, "Nothing changes.\n"),
        (
            examples.comment_alone,
            "The training code changes in comments alone (train.py):"
            " nothing that is deployed behaves differently.\n",
        ),
        (
            examples.library_alone,
            "Nothing that is deployed changes with aws-cdk-lib 2.274.0 → 2.275.0.\n",
        ),
    ],
)
def test_a_change_that_does_nothing_is_one_line(review: Callable[[], Review], line: str) -> None:
    assert markdown(review()) == line


def test_a_note_is_said_even_when_nothing_changes() -> None:
    assert markdown(replace(examples.nothing(), notes=("no git",))) == "Nothing changes.\n\n- no git\n"


def test_the_first_line_counts_the_dangers(comment: str) -> None:
    assert comment.startswith("## 11 dangers: dev 2, staging 2, prod 7\n")


def test_without_dangers_the_first_line_says_so() -> None:
    assert markdown(changed(resource())).startswith("## Nothing dangerous: prod (1 changed)\n")


def test_a_setting_that_changes_no_resource_is_not_nothing() -> None:
    review = changed(settings=(SettingChange("owner", "a", "b"),))
    assert markdown(review).startswith("## Nothing dangerous\n")


def test_a_change_of_the_code_alone_is_the_list_of_files() -> None:
    assert section(markdown(examples.code_alone()), "Code").splitlines()[:3] == [
        "- changed `train.py` (+42 −7)",
        "- added `inference_code/정규화.py` (+88 −0)",
        "- changed `rows.py` (comments alone)",
    ]


def test_a_change_of_the_code_alone_has_no_resources() -> None:
    hashed = EnvironmentReview("prod", (resource(),), code_only=True)
    review = Review("a", "b", (hashed,), code=examples.everything().code)
    assert "### Resources" not in markdown(review)


def test_a_new_environment_is_called_one() -> None:
    assert "| **qa** | none | a new environment, 36 added | — → 540.56 |" in markdown(
        examples.new_environment()
    )


def test_the_most_dangerous_comes_first(comment: str) -> None:
    assert re.findall(r"^\*\*(\w+)\.\*\*", section(comment, "Danger"), re.MULTILINE) == [
        "Data",
        "Downtime",
        "Exposure",
        "Permissions",
        "Protection",
        "Alarms",
        "Schedule",
    ]


def test_a_danger_says_how_to_let_it_pass(comment: str) -> None:
    assert "`--allow nunchi-prod-storage/Data`" in section(comment, "Danger")


def test_a_danger_of_every_environment_is_said_once(comment: str) -> None:
    assert section(comment, "Danger").count("Nobody is told any more") == 1


def test_a_danger_of_every_environment_names_the_resource_of_each(comment: str) -> None:
    assert (
        "`--allow nunchi-dev-monitoring/Alarms/RetrainFailed"
        " --allow nunchi-staging-monitoring/Alarms/RetrainFailed"
        " --allow nunchi-prod-monitoring/Alarms/RetrainFailed`"
    ) in section(comment, "Danger")


def test_what_is_the_same_in_every_environment_is_said_once(comment: str) -> None:
    assert section(comment, "Resources").count("Roles/Train/Policy") == 1


def test_what_differs_between_environments_is_said_of_each() -> None:
    both = [
        EnvironmentReview(name, settings=(SettingChange("n", 1, number),))
        for number, name in enumerate(("dev", "prod"), 2)
    ]
    assert section(markdown(Review("a", "b", tuple(both))), "Settings") == (
        "- **dev** `n`: `1` → `2`\n- **prod** `n`: `1` → `3`\n"
    )


def test_a_property_that_replaces_the_resource_says_so(comment: str) -> None:
    assert "`BucketName`: `nunchi-prod-data` → `nunchi-prod-reviews` (this replaces it)" in comment


def test_types_are_said_in_words() -> None:
    review = changed(resource(type="AWS::EC2::VPCEndpoint", kind="removed"))
    assert "- **removed** EC2 VPC endpoint `Data`" in markdown(review)


def test_a_definition_that_is_drawn_is_not_told_again(comment: str) -> None:
    assert "DefinitionString" not in comment


def test_permissions_stand_before_and_after_in_one_row(comment: str) -> None:
    assert (
        "| dev, staging, prod | role of train (training) | **wider** and narrower"
        " | `s3:GetObject` on `bucket Data/train/*`"
        " | `s3:DeleteObject` on `bucket Data/*`<br>"
        "`s3:GetObject` on `bucket Data/*` if `aws:SourceVpc is <vpc>` |"
    ) in section(comment, "Permissions")


def test_what_is_denied_no_longer_is_wider(comment: str) -> None:
    row = "bucket Data, for `*` (storage) | **wider** | denied: `s3:*` on `bucket Data/*` if `no TLS` | — |"
    assert row in section(comment, "Permissions")


def test_a_workflow_is_drawn_with_what_differs_in_its_states(comment: str) -> None:
    text = section(comment, "Workflows")
    assert "```mermaid\nflowchart LR\n" in text
    assert "- `Train.Arguments.ResourceConfig.InstanceType`: `ml.g5.xlarge` → `ml.g5.2xlarge`" in text


def test_what_differs_in_a_workflow_beside_its_states_is_said() -> None:
    """The pages do not repeat the definition as a property of the state machine."""
    before = {"StartAt": "One", "States": {"One": {"Type": "Succeed"}}}
    workflow = WorkflowChange("nunchi-prod-training", "retrain", before, {**before, "TimeoutSeconds": 60})
    said = section(markdown(changed(workflows=(workflow,))), "Workflows")
    assert "TimeoutSeconds" in said


def test_the_cost_stands_before_and_after_with_the_difference(comment: str) -> None:
    assert "| **prod** | a month | 540.56 | 2,726.18 | +2,185.62 |" in section(comment, "Cost")


def test_each_cost_has_its_assumption(comment: str) -> None:
    row = "| key | 1.00 | 1.00 | one customer managed key; requests left out |"
    assert row in section(comment, "Cost")


def test_an_acknowledgement_has_its_reason(comment: str) -> None:
    assert "학습 작업은 리뷰 전체를 읽는다" in section(comment, "Findings of the rule packs")


def test_nobody_is_mentioned(comment: str) -> None:
    shown = entities.unescape(comment)
    assert "nlp-team." in shown and "@nlp-team" not in shown


def test_no_issue_is_referred_to(comment: str) -> None:
    shown = entities.unescape(comment)
    assert "42 and" in shown and "#42" not in shown


def test_no_text_means_anything_to_markdown() -> None:
    unfenced = re.sub(r"(?ms)^ *(`{3,})diff$.*?^ *\1$", "", markdown(nasty()))
    spans = [re.sub(r"(`+)[^`]+\1", "", line) for line in unfenced.splitlines()]
    assert not [line for line in spans if re.search(r"<b>x|\[a\]|\*z|_w_|@nlp|\$x|`y`", line)]


def test_no_text_breaks_a_table() -> None:
    (row,) = [line for line in markdown(nasty()).splitlines() if line.startswith("| prod |")]
    assert row.count("|") == 6


def test_code_with_a_fence_in_it_does_not_end_the_fence() -> None:
    long = PropertyChange("Body", None, "\n".join(["```", "@nlp-team", "x" * 100]))
    assert "````diff\n" in markdown(changed(resource(properties=(long,))))
