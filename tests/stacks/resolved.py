"""A template with its intrinsic functions resolved, as CloudFormation would in account 123456789012."""

from __future__ import annotations

from typing import Any

_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
    "AWS::Region": "ap-northeast-2",
    "AWS::StackId": "arn:aws:cloudformation:ap-northeast-2:123456789012:stack/training/0a1b2c3d-1-1-1-1",
}


def resolve(value: Any, resources: dict[str, Any]) -> Any:
    """`value` of a template with these `resources`, without intrinsic functions.

    Raises:
        NotImplementedError: for one that our templates do not use.
    """
    if isinstance(value, list):
        return [resolve(item, resources) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1 or not (next(iter(value)) == "Ref" or next(iter(value)).startswith("Fn::")):
        return {key: resolve(item, resources) for key, item in value.items()}
    ((function, argument),) = value.items()
    if function == "Ref":
        return _PSEUDO.get(argument) or _arn(argument, resources)
    if function == "Fn::GetAtt":
        name, attribute = argument
        properties = resources[name]["Properties"]
        return properties["StateMachineName"] if attribute == "Name" else _arn(name, resources)
    if function == "Fn::ImportValue":
        return str(argument).lower()
    arguments = resolve(argument, resources)
    if function == "Fn::Join":
        return arguments[0].join(arguments[1])
    if function == "Fn::Split":
        return arguments[1].split(arguments[0])
    if function == "Fn::Select":
        return arguments[1][int(arguments[0])]
    if function == "Fn::Sub":
        for name, known in _PSEUDO.items():
            arguments = arguments.replace(f"${{{name}}}", known)
        return arguments
    raise NotImplementedError(function)


def _arn(name: str, resources: dict[str, Any]) -> str:
    properties = resources[name].get("Properties", {})
    account = "ap-northeast-2:123456789012"
    kind = resources[name]["Type"]
    if kind == "AWS::StepFunctions::StateMachine":
        return f"arn:aws:states:{account}:stateMachine:{properties['StateMachineName']}"
    if kind == "AWS::SageMaker::ModelPackageGroup":
        group = resolve(properties["ModelPackageGroupName"], resources)
        return f"arn:aws:sagemaker:{account}:model-package-group/{group}"
    return f"arn:aws:{kind}:{name}"
