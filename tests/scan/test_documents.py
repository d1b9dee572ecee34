"""The documents in the templates: what a placeholder looks like, and what an explanation covers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scan.documents import Exports, Template, unexplained

RESOURCES = {
    "Bucket": {"Type": "AWS::S3::Bucket"},
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Role": {"Type": "AWS::IAM::Role"},
    "Table": {"Type": "AWS::ECS::Cluster"},
}


def template(folder: Path, name: str, body: dict[str, Any], exports: Exports) -> Template:
    path = folder / f"{name}.template.json"
    path.write_text(json.dumps({"Resources": RESOURCES, **body}), encoding="utf-8")
    return Template(path, exports)


@pytest.mark.parametrize(
    ("value", "placeholder"),
    [
        ({"Ref": "Topic"}, "arn:aws:sns:ap-northeast-2:123456789012:Topic"),
        ({"Ref": "Bucket"}, "Bucket"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "arn:aws:iam::123456789012:role/Role"),
        ({"Fn::GetAtt": ["Topic", "TopicName"]}, "Topic"),
        ({"Fn::Sub": "x-${AWS::AccountId}-${Bucket}"}, "x-123456789012-Bucket"),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/*"]]}, "arn:aws:s3:::Bucket/*"),
        ({"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}, "0-0-0-0-0"),
        ([{"a": {"Ref": "AWS::Partition"}}], [{"a": "aws"}]),
    ],
)
def test_an_intrinsic_function_gives_a_placeholder_of_its_shape(
    tmp_path: Path, value: Any, placeholder: Any
) -> None:
    assert template(tmp_path, "one", {}, {}).resolve(value) == placeholder


def test_an_import_is_what_another_template_exports(tmp_path: Path) -> None:
    exports: Exports = {}
    one = template(tmp_path, "one", {}, exports)
    output = {"Export": {"Name": "topic"}, "Value": {"Ref": "Topic"}}
    template(tmp_path, "two", {"Outputs": {"Topic": output}}, exports)
    assert one.resolve({"Fn::ImportValue": "topic"}) == one.resolve({"Ref": "Topic"})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::If": ["A", "b", "c"]}, "no placeholder"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "does not know the ARN of AWS::ECS::Cluster"),
    ],
)
def test_what_has_no_placeholder_is_an_error(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        template(tmp_path, "one", {}, {}).resolve(value)


def test_every_kind_of_policy_and_every_state_machine_is_found(tmp_path: Path) -> None:
    document = {"Version": "2012-10-17", "Statement": []}
    resources = {
        "Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"Policies": [{"PolicyName": "Inline", "PolicyDocument": document}]},
        },
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"DefinitionString": {"Fn::Join": ["", ['{"StartAt": "', "A", '"}']]}},
        },
    }
    one = template(tmp_path, "one", {"Resources": resources}, {})
    assert list(one.policies()) == [("one/Managed", document), ("one/Role/Inline", document)]
    assert list(one.state_machines()) == [("one/Machine", {"StartAt": "A"})]


def test_an_explanation_covers_what_it_names_and_nothing_else() -> None:
    findings = ["statelint dev/A: Choices[0] is wrong", "statelint dev/B: Choices[0] is wrong"]
    explained = {"finding": "statelint */A: Choices[0] is *", "because": "of this"}
    assert unexplained(findings, [explained]) == findings[1:]


def test_an_explanation_without_a_finding_is_wrong_itself() -> None:
    explanation = {"finding": "statelint */A: *", "because": "of that"}
    assert unexplained([], [explanation]) == [
        "scan/documents.yaml explains what is not found: statelint */A: *"
    ]


def test_an_explanation_without_a_reason_explains_nothing() -> None:
    assert unexplained(["x"], [{"finding": "x", "because": ""}]) == ["x"]
