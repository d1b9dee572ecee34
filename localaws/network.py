"""The network that a request asks for: it isolates nothing here, but what it names must exist."""

from ministack.services import ec2

from localaws.api import Json, invalid


def check(config: Json) -> None:
    """Refuse a VpcConfig (that may be empty) whose subnets or security groups there are not."""
    for subnet in config.get("Subnets", []):
        if subnet not in ec2._subnets:
            raise invalid(f"The subnet ID '{subnet}' does not exist")
    for group in config.get("SecurityGroupIds", []):
        if group not in ec2._security_groups:
            raise invalid(f"The security group '{group}' does not exist")
