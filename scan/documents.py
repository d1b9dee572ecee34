"""Lints the documents that the synthesised templates hold: IAM policies and state machines.

`python -m scan.documents cdk.out` puts a placeholder of the right shape for every intrinsic function,
gives each policy to parliament and each definition to statelint, and fails on every finding that
scan/documents.yaml does not explain, and on every explanation that no finding needs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

EXPLANATIONS = Path(__file__).with_name("documents.yaml")

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "ap-northeast-2",
    "AWS::StackId": "arn:aws:cloudformation:ap-northeast-2:123456789012:stack/nunchi/0-0-0-0-0",
    "AWS::StackName": "nunchi",
    "AWS::URLSuffix": "amazonaws.com",
}
# What follows the partition, by the type of the resource. `Ref` gives the ARN of those in _REF_IS_ARN.
_ARNS = {
    "AWS::CloudWatch::Alarm": "cloudwatch:ap-northeast-2:123456789012:alarm:{}",
    "AWS::IAM::ManagedPolicy": "iam::123456789012:policy/{}",
    "AWS::IAM::Role": "iam::123456789012:role/{}",
    "AWS::DynamoDB::Table": "dynamodb:ap-northeast-2:123456789012:table/{}",
    "AWS::KMS::Key": "kms:ap-northeast-2:123456789012:key/{}",
    "AWS::Logs::LogGroup": "logs:ap-northeast-2:123456789012:log-group:{}:*",
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SNS::Topic": "sns:ap-northeast-2:123456789012:{}",
    "AWS::SQS::Queue": "sqs:ap-northeast-2:123456789012:{}",
    "AWS::SageMaker::ModelPackageGroup": "sagemaker:ap-northeast-2:123456789012:model-package-group/{}",
    "AWS::StepFunctions::StateMachine": "states:ap-northeast-2:123456789012:stateMachine:{}",
}
_REF_IS_ARN = {
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::StepFunctions::StateMachine",
}


class Template:
    """A synthesised template, in which intrinsic functions resolve to placeholders."""

    def __init__(self, path: Path, exports: Exports) -> None:
        """Read `path`, and add what it exports to `exports`, which all templates share."""
        self.name = path.name.removesuffix(".template.json")
        self._body = json.loads(path.read_text(encoding="utf-8"))
        self._exports = exports
        for output in self._body.get("Outputs", {}).values():
            if "Export" in output:
                exports[output["Export"]["Name"]] = (self, output["Value"])

    def policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every policy document, with where it stands."""
        for name, _, properties in self._resources():
            if "PolicyDocument" in properties:
                yield f"{self.name}/{name}", self.resolve(properties["PolicyDocument"])
            for policy in properties.get("Policies", ()):
                where = f"{self.name}/{name}/{policy['PolicyName']}"
                yield where, self.resolve(policy["PolicyDocument"])

    def state_machines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every state machine's definition, with where it stands."""
        for name, kind, properties in self._resources():
            if kind == "AWS::StepFunctions::StateMachine":
                yield f"{self.name}/{name}", json.loads(self.resolve(properties["DefinitionString"]))

    def _resources(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for name, resource in self._body["Resources"].items():
            yield name, resource["Type"], resource.get("Properties", {})

    def resolve(self, value: Any) -> Any:
        """`value` with placeholders for intrinsic functions; an unknown one is an error."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        match value:
            case {"Ref": name}:
                return self._ref(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._arn(name) if attribute.endswith("Arn") else name
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:]+)\}", lambda found: self._ref(found[1]), text)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(map(self.resolve, parts))
            case {"Fn::Split": [separator, text]}:
                return self.resolve(text).split(separator)
            case {"Fn::Select": [index, items]}:
                return self.resolve(items)[int(index)]
            case {"Fn::ImportValue": name}:
                template, exported = self._exports[name]
                return template.resolve(exported)
        if any(key.startswith("Fn::") for key in value):
            raise ValueError(f"{self.name}: scan/documents.py has no placeholder for {value}")
        return {key: self.resolve(item) for key, item in value.items()}

    def _ref(self, name: str) -> str:
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        resource = self._body["Resources"].get(name, {})
        return self._arn(name) if resource.get("Type") in _REF_IS_ARN else name

    def _arn(self, name: str) -> str:
        kind = self._body["Resources"][name]["Type"]
        if kind not in _ARNS:
            raise ValueError(f"{self.name}/{name}: scan/documents.py does not know the ARN of {kind}")
        return "arn:aws:" + _ARNS[kind].format(name)


Exports = dict[str, tuple[Template, Any]]


def policy_findings(where: str, document: dict[str, Any]) -> Iterator[str]:
    """What parliament has to say about a policy, one line a finding."""
    import parliament  # In .venv-scan alone, as is statelint: the tests of this file do without.

    policy = parliament.analyze_policy_string(json.dumps(document), ignore_private_auditors=True)
    for finding in policy.findings:
        details = finding.detail if isinstance(finding.detail, list) else [finding.detail]
        for detail in details:
            what = " on ".join(detail.values()) if isinstance(detail, dict) else detail
            yield f"parliament {finding.issue} {where}: {what}"


def state_machine_findings(where: str, definition: dict[str, Any]) -> Iterator[str]:
    """What statelint has to say about a state machine, one line a finding."""
    from statelint.linter import Linter

    for problem in Linter.validate(definition):
        yield f"statelint {where}: {problem}"


def unexplained(findings: list[str], explanations: list[dict[str, str]]) -> list[str]:
    """The findings without an explanation, and the explanations without a finding."""
    patterns = {
        entry["finding"]: re.compile(re.escape(entry["finding"]).replace(r"\*", ".*"))
        for entry in explanations
        if entry["because"]
    }
    wrong = [line for line in findings if not any(p.fullmatch(line) for p in patterns.values())]
    for text, pattern in patterns.items():
        if not any(map(pattern.fullmatch, findings)):
            wrong.append(f"scan/documents.yaml explains what is not found: {text}")
    return wrong


def main(folder: Path) -> int:
    """Print what is wrong with the documents in the templates below `folder`; 1 if anything is."""
    exports: Exports = {}
    templates = [Template(path, exports) for path in sorted(folder.rglob("*.template.json"))]
    policies = [item for template in templates for item in template.policies()]
    machines = [item for template in templates for item in template.state_machines()]
    findings = [line for item in policies for line in policy_findings(*item)]
    findings += [line for item in machines for line in state_machine_findings(*item)]
    wrong = unexplained(findings, yaml.safe_load(EXPLANATIONS.read_text(encoding="utf-8")) or [])
    for line in wrong:
        print(line)
    print(
        f"{len(templates)} templates with {len(policies)} policies and {len(machines)} state machines; "
        f"findings: {len(findings)}; to see to: {len(wrong)}"
    )
    return 1 if wrong or not templates else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
