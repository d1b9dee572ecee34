"""A cloud assembly is read into words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from review.assembly import Stack, read
from tests.review.small import small_side

STACK = "nunchi-dev-training"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    noted = {f"/{STACK}/Roles/Train": [{"type": "aws:cdk:logicalId", "data": "RolesTrain1234ABCD"}]}
    side = small_side(tmp_path / "side", {STACK: {}}, metadata={STACK: noted})
    return read(side.assembly).of("dev")[STACK]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"Ref": "AWS::AccountId"}, "<account>"),
        ({"Ref": "RolesTrain1234ABCD"}, "<Roles/Train>"),
        ({"Fn::GetAtt": ["RolesTrain1234ABCD", "Arn"]}, "<Roles/Train>"),
        ({"Fn::GetAtt": ["RolesTrain1234ABCD", "Url"]}, "<Roles/Train.Url>"),
        ({"Fn::ImportValue": "nunchi-dev-DataBucket"}, "<data bucket>"),
        ({"Fn::ImportValue": "nunchi-prod-DataBucket"}, "<nunchi-prod-data bucket>"),
        ({"Fn::Sub": "s3://${RolesTrain1234ABCD}/${AWS::Region}"}, "s3://<Roles/Train>/<region>"),
        ({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3"]]}, "arn:<partition>:s3"),
        ({"Fn::Select": [1, {"Fn::GetAZs": ""}]}, "<availability zone 1>"),
        ({"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}, "<part 2 of <stack>>"),
        ({"Fn::Base64": "말"}, '{"Fn::Base64": "말"}'),
    ],
)
def test_an_intrinsic_function_is_words(stack: Stack, value: Any, words: str) -> None:
    assert stack.words(value) == words


def test_a_json_text_is_what_it_holds(stack: Stack) -> None:
    joined = {"Fn::Join": ["", ['{"역할":"', {"Ref": "RolesTrain1234ABCD"}, '"}']]}
    assert stack.readable({"Definition": joined}) == {"Definition": {"역할": "<Roles/Train>"}}


def test_a_text_that_only_begins_as_json_stays_a_text(stack: Stack) -> None:
    assert stack.readable('{"a": ') == '{"a": '


def test_both_ways_of_a_condition_are_readable(stack: Stack) -> None:
    value = {"Fn::If": ["HasChampion", {"Ref": "AWS::Region"}, "none"]}
    assert stack.readable(value) == {"Fn::If": ["HasChampion", "<region>", "none"]}


def test_metadata_in_a_file_of_its_own_is_read(tmp_path: Path) -> None:
    side = small_side(tmp_path / "side", {STACK: {}})
    manifest = json.loads((side.assembly / "manifest.json").read_text(encoding="utf-8"))
    manifest["artifacts"][STACK]["additionalMetadataFile"] = "metadata.json"
    (side.assembly / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    noted = {f"/{STACK}/A/B": [{"type": "aws:cdk:logicalId", "data": "AB"}]}
    (side.assembly / "metadata.json").write_text(json.dumps(noted), encoding="utf-8")
    assert read(side.assembly).of("dev")[STACK].path("AB") == "A/B"
