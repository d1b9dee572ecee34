import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.helpers import INFERENCE_IMAGE, REGION, ROLE, wait
from tests.localaws.stacks import deploy, own, reasons, remove, settled, tags
from tests.localaws.test_autoscaling import INSTANCES, TRACKING, targets
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
    [failed] = reasons(aws, stack)
    assert failed.startswith("Endpoint: ")
    assert "Failed to extract model data archive" in failed


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
    assert any("Colour" in reason for reason in reasons(aws, name))


def test_type_that_there_is_not_fails_by_name(aws: LocalAws, name: str) -> None:
    template = {"Resources": {"Domain": {"Type": "AWS::SageMaker::Domain", "Properties": {}}}}
    with pytest.raises(ClientError, match="AWS::SageMaker::Domain"):
        aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


# An endpoint's other properties, and what scales it.


def scaled(url: str, name: str, *, alarm: str = "", env: str = "dev", most: int = 3) -> dict[str, Any]:
    """An endpoint with tags, deployment guardrails and automatic scaling."""
    template = serving("unused", name)
    del template["Conditions"], template["Parameters"]
    resources = template["Resources"]
    for resource in resources.values():
        del resource["Condition"]
        resource["Properties"]["Tags"] = tags(env=env)
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": url}
    resources["Model"]["Properties"]["PrimaryContainer"] = container
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}
    config: dict[str, Any] = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    if alarm:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": alarm}]}
    resources["Endpoint"]["Properties"]["DeploymentConfig"] = config
    variant = ["endpoint/", {"Fn::GetAtt": ["Endpoint", "EndpointName"]}, "/variant/primary"]
    resources["Target"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "sagemaker",
            "ScalableDimension": INSTANCES,
            "ResourceId": {"Fn::Join": ["", variant]},
            "MinCapacity": 1,
            "MaxCapacity": most,
            "Tags": tags(env=env),
        },
    }
    resources["Policy"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "by-load",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": TRACKING,
        },
    }
    return template


def test_endpoint_is_scaled_by_the_stack(aws: LocalAws, bucket: str, name: str) -> None:
    client = aws.client("application-autoscaling")
    url = put_model(aws, bucket, name, echo_archive("하나"))
    made = deploy(aws, name, scaled(url, name))
    assert made["Target"] == f"endpoint/{name}/variant/primary|{INSTANCES}|sagemaker"
    [policy] = client.describe_scaling_policies(ServiceNamespace="sagemaker", PolicyNames=["by-load"])[
        "ScalingPolicies"
    ]
    assert (policy["PolicyARN"], policy["ResourceId"]) == (made["Policy"], f"endpoint/{name}/variant/primary")
    assert deploy(aws, name, scaled(url, name, most=5)) == made
    assert [target["MaxCapacity"] for target in targets(aws, name)] == [5]
    without = scaled(url, name)
    del without["Resources"]["Policy"], without["Resources"]["Target"]
    deploy(aws, name, without)
    assert not targets(aws, name)
    deploy(aws, name, scaled(url, name))
    remove(aws, name)
    assert not targets(aws, name)


def test_change_of_tags_or_guardrails_alone_deploys_nothing(aws: LocalAws, bucket: str, name: str) -> None:
    client = aws.client("sagemaker")
    url = put_model(aws, bucket, name, echo_archive("하나"))
    made = deploy(aws, name, scaled(url, name), Tags=tags(Project="nunchi"))
    before = client.describe_endpoint(EndpointName=name)
    aws.client("cloudwatch").put_composite_alarm(AlarmName=name, AlarmRule="FALSE")
    changed = deploy(aws, name, scaled(url, name, env="prod", alarm=name), Tags=tags(Project="눈치"))
    after = client.describe_endpoint(EndpointName=name)
    assert (changed, after["LastModifiedTime"]) == (made, before["LastModifiedTime"])
    for resource in ("Model", "Config", "Endpoint"):
        found = client.list_tags(ResourceArn=made[resource])["Tags"]
        assert own(found) == {"env": "prod", "Project": "눈치"}
    [target] = targets(aws, name)
    found = aws.client("application-autoscaling").list_tags_for_resource(
        ResourceARN=target["ScalableTargetARN"]
    )["Tags"]
    assert (found["env"], found["Project"]) == ("prod", "눈치")


def test_raised_alarm_rolls_the_stack_back(aws: LocalAws, bucket: str, name: str) -> None:
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule="TRUE")
    wait(
        lambda: cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"], StateValue="ALARM")[
            "CompositeAlarms"
        ]
    )
    deploy(aws, name, scaled(put_model(aws, bucket, name, echo_archive("하나")), name, alarm=name))
    url = put_model(aws, bucket, f"{name}-2", echo_archive("둘"))
    template = scaled(url, name, alarm=name)
    aws.client("cloudformation").update_stack(StackName=name, TemplateBody=json.dumps(template))
    assert settled(aws, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert reasons(aws, name) == [f"Endpoint: The update was rolled back: in ALARM: {name}"]
    assert invoke(aws, name, "x")[0]["label"] == "하나"
