from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws
from tests.localaws.test_endpoints import at_rest, configure, echo_archive, invoke

STEP = {"Type": "CAPACITY_PERCENT", "Value": 50}


def deployment(*alarms: str, **routing: Any) -> dict[str, Any]:
    """A DeploymentConfig with waits that a test could not wait for."""
    routing = routing or {"Type": "CANARY", "CanarySize": STEP}
    policy = {
        "TrafficRoutingConfiguration": {"WaitIntervalInSeconds": 600, **routing},
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}
    return {"BlueGreenUpdatePolicy": policy, **(rollback if alarms else {})}


@pytest.fixture
def alarm(aws: LocalAws, name: str) -> str:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
    )
    return name


@pytest.fixture
def endpoint(aws: LocalAws, bucket: str, name: str) -> str:
    """An endpoint in service, and a configuration `<name>-2` that it can be updated to."""
    configure(aws, bucket, name, echo_archive("하나"))
    configure(aws, bucket, f"{name}-2", echo_archive("둘"))
    aws.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert at_rest(aws, name)["EndpointStatus"] == "InService"
    return name


def test_traffic_moves_at_once_when_no_alarm_is_raised(aws: LocalAws, endpoint: str, alarm: str) -> None:
    client = aws.client("sagemaker")
    config = deployment(alarm)
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-2", DeploymentConfig=config)
    updated = at_rest(aws, endpoint)
    assert (updated["EndpointConfigName"], updated["LastDeploymentConfig"]) == (f"{endpoint}-2", config)
    assert invoke(aws, endpoint, "x")[0]["label"] == "둘"


def test_raised_alarm_takes_the_update_back(aws: LocalAws, endpoint: str, alarm: str) -> None:
    client = aws.client("sagemaker")
    aws.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    client.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=f"{endpoint}-2", DeploymentConfig=deployment(alarm)
    )
    after = at_rest(aws, endpoint)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", endpoint)
    assert alarm in after["FailureReason"]
    assert invoke(aws, endpoint, "x")[0]["label"] == "하나"


def test_last_deployment_is_repeated_when_asked_to(aws: LocalAws, endpoint: str, alarm: str) -> None:
    client = aws.client("sagemaker")
    client.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=f"{endpoint}-2", DeploymentConfig=deployment(alarm)
    )
    at_rest(aws, endpoint)
    aws.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    client.update_endpoint(EndpointName=endpoint, EndpointConfigName=endpoint, RetainDeploymentConfig=True)
    assert alarm in at_rest(aws, endpoint)["FailureReason"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (deployment("nobody"), "do not exist: nobody"),
        (deployment(Type="LINEAR"), "LinearStepSize is required"),
        (deployment(Type="CANARY", CanarySize={**STEP, "Value": 60}), "between 1 and 50 percent"),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": STEP, "WaitIntervalInSeconds": 0}},
            "RollingUpdatePolicy",
        ),
    ],
)
def test_deployment_that_cannot_be_is_refused(
    aws: LocalAws, endpoint: str, config: dict[str, Any], message: str
) -> None:
    client = aws.client("sagemaker")
    with pytest.raises(ClientError, match=rf"ValidationException.*{message}"):
        client.update_endpoint(
            EndpointName=endpoint, EndpointConfigName=f"{endpoint}-2", DeploymentConfig=config
        )
    with pytest.raises(ClientError, match=message):
        client.create_endpoint(
            EndpointName=f"{endpoint}-new", EndpointConfigName=endpoint, DeploymentConfig=config
        )
