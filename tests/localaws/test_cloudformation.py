import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import REGION, ROLE, wait
from tests.localaws.test_endpoints import echo_archive, invoke, put_model
from tests.localaws.test_registry import specification

CAPABILITIES = ["CAPABILITY_IAM"]


def serving(champion: str, endpoint: str) -> dict[str, Any]:
    """The heart of the application's serving stack: a model of the champion, which a parameter names."""
    return {
        "Parameters": {"Champion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": champion}},
        "Conditions": {"Serves": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Champion"}, "none"]}]}},
        "Resources": {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Condition": "Serves",
                "Properties": {
                    "ExecutionRoleArn": ROLE,
                    "PrimaryContainer": {"ModelPackageName": {"Ref": "Champion"}},
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Condition": "Serves",
                "Properties": {
                    "ProductionVariants": [
                        {
                            "VariantName": "primary",
                            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                            "InstanceType": "ml.m5.large",
                            "InitialInstanceCount": 1,
                            "InitialVariantWeight": 1,
                        }
                    ]
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Condition": "Serves",
                "Properties": {
                    "EndpointName": endpoint,
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                    "RetainAllVariantProperties": True,
                },
            },
        },
        "Outputs": {
            "Endpoint": {"Condition": "Serves", "Value": {"Ref": "Endpoint"}},
            "Name": {"Condition": "Serves", "Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
        },
    }


def package(aws: LocalAws, bucket: str, group: str, body: bytes, key: str) -> str:
    arn: str = aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification=specification(put_model(aws, bucket, key, body)),
        ModelApprovalStatus="Approved",
    )["ModelPackageArn"]
    return arn


def update(aws: LocalAws, stack: str) -> str:
    """What promotion does; returns the status that the stack ends in."""
    client = aws.client("cloudformation")
    client.update_stack(
        StackName=stack,
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Champion", "UsePreviousValue": True}],
        Capabilities=CAPABILITIES,
    )
    return settled(aws, stack)["StackStatus"]  # type: ignore[no-any-return]


def settled(aws: LocalAws, stack: str) -> dict[str, Any]:
    def found() -> Any:
        described = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return None if described["StackStatus"].endswith("IN_PROGRESS") else described

    result: dict[str, Any] = wait(found)
    return result


def champion(aws: LocalAws, stack: str, value: str) -> None:
    aws.client("ssm").put_parameter(Name=f"/{stack}/champion", Value=value, Type="String", Overwrite=True)


@pytest.fixture
def stack(aws: LocalAws, bucket: str, name: str) -> str:
    """A serving stack whose champion is version 1 of its group (the answer's label is 하나)."""
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    champion(aws, name, "none")
    aws.client("cloudformation").create_stack(
        StackName=name, TemplateBody=json.dumps(serving(f"/{name}/champion", name)), Capabilities=CAPABILITIES
    )
    assert settled(aws, name)["StackStatus"] == "CREATE_COMPLETE"
    champion(aws, name, package(aws, bucket, name, echo_archive("하나"), f"{name}-1"))
    assert update(aws, name) == "UPDATE_COMPLETE"
    return name


def test_champion_brings_up_the_endpoint(aws: LocalAws, stack: str) -> None:
    assert invoke(aws, stack, "x")[0]["label"] == "하나"


def test_ref_is_the_arn_and_the_name_an_attribute(aws: LocalAws, stack: str) -> None:
    outputs = {item["OutputKey"]: item["OutputValue"] for item in settled(aws, stack)["Outputs"]}
    arn = f"arn:aws:sagemaker:{REGION}:000000000000:endpoint/{stack}"
    assert outputs == {"Endpoint": arn, "Name": stack}


def test_new_champion_replaces_model_and_configuration(aws: LocalAws, bucket: str, stack: str) -> None:
    before = aws.client("sagemaker").describe_endpoint(EndpointName=stack)["EndpointConfigName"]
    champion(aws, stack, package(aws, bucket, stack, echo_archive("둘"), f"{stack}-2"))
    assert update(aws, stack) == "UPDATE_COMPLETE"
    assert invoke(aws, stack, "x")[0]["label"] == "둘"
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        aws.client("sagemaker").describe_endpoint_config(EndpointConfigName=before)


def test_champion_that_cannot_be_loaded_rolls_back(aws: LocalAws, bucket: str, stack: str) -> None:
    before = aws.client("sagemaker").describe_endpoint(EndpointName=stack)["EndpointConfigName"]
    models = len(aws.client("sagemaker").list_models(NameContains="Model-")["Models"])
    champion(aws, stack, package(aws, bucket, stack, b"broken", f"{stack}-2"))
    assert update(aws, stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert invoke(aws, stack, "x")[0]["label"] == "하나"
    assert aws.client("sagemaker").describe_endpoint(EndpointName=stack)["EndpointConfigName"] == before
    assert len(aws.client("sagemaker").list_models(NameContains="Model-")["Models"]) == models
    events = aws.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    [failed] = [event for event in events if event["ResourceStatus"] == "UPDATE_FAILED"]
    assert failed["LogicalResourceId"] == "Endpoint"
    assert "Failed to extract model data archive" in failed["ResourceStatusReason"]


def test_same_champion_is_no_update(aws: LocalAws, stack: str) -> None:
    with pytest.raises(ClientError, match="No updates are to be performed"):
        update(aws, stack)


def test_deleted_stack_leaves_no_endpoint(aws: LocalAws, stack: str) -> None:
    aws.client("cloudformation").delete_stack(StackName=stack)
    wait(lambda: not aws.client("sagemaker").list_endpoints(NameContains=stack)["Endpoints"])


def test_failed_creation_leaves_nothing(aws: LocalAws, bucket: str, name: str) -> None:
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    champion(aws, name, package(aws, bucket, name, b"broken", name))
    aws.client("cloudformation").create_stack(
        StackName=name, TemplateBody=json.dumps(serving(f"/{name}/champion", name)), Capabilities=CAPABILITIES
    )
    assert settled(aws, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert not aws.client("sagemaker").list_endpoints(NameContains=name)["Endpoints"]


def test_property_that_there_is_not_fails_by_name(aws: LocalAws, name: str) -> None:
    resource = {
        "Type": "AWS::SageMaker::ModelPackageGroup",
        "Properties": {"ModelPackageGroupName": name, "Colour": "red"},
    }
    aws.client("cloudformation").create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Group": resource}})
    )
    assert settled(aws, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = aws.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    assert any("Colour" in event.get("ResourceStatusReason", "") for event in events)


def test_type_that_there_is_not_fails_by_name(aws: LocalAws, name: str) -> None:
    template = {"Resources": {"Domain": {"Type": "AWS::SageMaker::Domain", "Properties": {}}}}
    with pytest.raises(ClientError, match="AWS::SageMaker::Domain"):
        aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
