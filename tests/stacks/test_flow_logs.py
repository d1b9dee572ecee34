from __future__ import annotations

import pytest

from tests.stacks.resolved import Environment


@pytest.fixture
def prod(environments: dict[str, Environment]) -> Environment:
    return environments["prod"]


def test_all_traffic_is_logged(prod: Environment) -> None:
    """After an incident it is all that tells who spoke to whom."""
    flow_log = prod.properties("network", "AWS::EC2::FlowLog")
    assert (flow_log["ResourceType"], flow_log["TrafficType"]) == ("VPC", "ALL")
    assert flow_log["ResourceId"] == prod.physical_name("network", "Vpc")
    assert flow_log["LogGroupName"] == prod.properties("network", "AWS::Logs::LogGroup")["LogGroupName"]


def test_the_flow_logs_group_is_there_before_they_are(prod: Environment) -> None:
    """EC2 would make it without a key, and for ever."""
    assert prod.templates["network"].only("AWS::EC2::FlowLog")["DependsOn"] == ["FlowLogs"]
