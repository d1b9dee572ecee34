"""Deployment guardrails: how the traffic is to move to a new model, and the alarms that take it back."""

from ministack.services import cloudwatch

from localaws.api import Json, invalid

# All that a DeploymentConfig may have.
MEMBERS = """DeploymentConfig BlueGreenUpdatePolicy TrafficRoutingConfiguration Type WaitIntervalInSeconds
    CanarySize LinearStepSize Value TerminationWaitInSeconds MaximumExecutionTimeoutInSeconds
    AutoRollbackConfiguration Alarms AlarmName"""

# The size of a step that a type of traffic shifting needs, and its bounds in percent of the capacity.
STEPS = {"CANARY": ("CanarySize", 1, 50), "LINEAR": ("LinearStepSize", 10, 50)}


def check(config: Json) -> None:
    """Refuse a DeploymentConfig (that may be empty) that lacks something, or names alarms there are not."""
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    if routing.get("Type") in STEPS:
        name, least, most = STEPS[routing["Type"]]
        if name not in routing:
            raise invalid(f"{name} is required for traffic routing of type {routing['Type']}")
        size = routing[name]
        if size["Type"] == "CAPACITY_PERCENT" and not least <= size["Value"] <= most:
            raise invalid(f"{name} must be between {least} and {most} percent, and is {size['Value']}")
    if missing := [name for name in _alarms(config) if _state(name) is None]:
        raise invalid(f"The alarms of AutoRollbackConfiguration do not exist: {', '.join(missing)}")


def raised(config: Json) -> list[str]:
    """Those of the alarms that are in ALARM."""
    return [name for name in _alarms(config) if _state(name) == "ALARM"]


def _alarms(config: Json) -> list[str]:
    alarms = config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    return [alarm["AlarmName"] for alarm in alarms if "AlarmName" in alarm]


def _state(name: str) -> str | None:
    alarm: Json = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name) or {}
    return alarm.get("StateValue")
