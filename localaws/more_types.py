"""Resource types of CloudFormation that ministack lacks, and one that it has by name only."""

import contextlib

from ministack.core.responses import get_account_id
from ministack.services.cloudformation import provisioners

from localaws import api, aws
from localaws.api import Json
from localaws.autoscaling import autoscaling
from localaws.cloudformation import Provisioned, add, tag_changes, unless_gone

TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")
# Of a flow log, all but the tags.
FLOW = """DeliverLogsPermissionArn LogDestination LogDestinationType LogFormat LogGroupName
    MaxAggregationInterval ResourceId ResourceType TrafficType"""


def install() -> None:
    """Register the types with ministack."""
    add(
        "AWS::EC2::FlowLog",
        create=_create_flow_log,
        update=_update_flow_log,
        delete=lambda physical_id, _: aws.client("ec2").delete_flow_logs(FlowLogIds=[physical_id]),
        replacing=tuple(FLOW.split()),
    )
    add(
        "AWS::Budgets::Budget",
        create=_create_budget,
        update=_update_budget,
        delete=_delete_budget,
        replacing=("NotificationsWithSubscribers",),
        tags="ResourceTags",
    )
    add(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        create=lambda logical_id, properties, stack_name: _register({}, properties),
        update=lambda physical_id, old, new: _register(old, new),
        delete=_deregister,
        replacing=TARGET,
    )
    add(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        create=lambda logical_id, properties, stack_name: _put_policy(properties),
        update=lambda physical_id, old, new: _put_policy(new),
        delete=_delete_policy,
        replacing=(*TARGET, "PolicyName", "ScalingTargetId"),
        tags=None,
    )
    # ministack's own loses the time zone and the dates, and tells no error.
    add(
        "AWS::Scheduler::Schedule",
        create=_create_schedule,
        update=_update_schedule,
        delete=_delete_schedule,
        replacing=("Name",),
        tags=None,
    )


def _create_flow_log(logical_id: str, properties: Json, stack_name: str) -> Provisioned:
    if properties["ResourceType"] != "VPC" or "DeliverLogsPermissionArn" not in properties:
        raise ValueError("localaws has flow logs of ResourceType VPC with a DeliverLogsPermissionArn only")
    ec2, resources = aws.client("ec2"), [properties["ResourceId"]]
    ec2.describe_vpcs(VpcIds=resources)
    request = {key: properties[key] for key in properties.keys() - {"ResourceId", "Tags"}}
    [name] = ec2.create_flow_logs(ResourceIds=resources, **request)["FlowLogIds"]
    return _update_flow_log(name, {}, properties)


def _update_flow_log(physical_id: str, old: Json, new: Json) -> Provisioned:
    ec2, (tags, removed) = aws.client("ec2"), tag_changes(old.get("Tags", []), new.get("Tags", []))
    if tags:
        ec2.create_tags(Resources=[physical_id], Tags=tags)
    if removed:
        ec2.delete_tags(Resources=[physical_id], Tags=[{"Key": key} for key in removed])
    return physical_id, {"Id": physical_id}


def _create_budget(logical_id: str, properties: Json, stack_name: str) -> Provisioned:
    generated = provisioners._physical_name(stack_name, logical_id, max_len=100)
    budget = _budget(properties, properties["Budget"].get("BudgetName", generated))
    aws.client("budgets").create_budget(AccountId=get_account_id(), **properties | {"Budget": budget})
    return budget["BudgetName"], {}


def _update_budget(physical_id: str, old: Json, new: Json) -> Provisioned:
    budgets, account = aws.client("budgets"), get_account_id()
    budgets.update_budget(AccountId=account, NewBudget=_budget(new, physical_id))
    arn = f"arn:aws:budgets::{account}:budget/{physical_id}"
    tags, removed = tag_changes(old.get("ResourceTags", []), new.get("ResourceTags", []))
    if tags:
        budgets.tag_resource(ResourceARN=arn, ResourceTags=tags)
    if removed:
        budgets.untag_resource(ResourceARN=arn, ResourceTagKeys=removed)
    return physical_id, {}


def _delete_budget(physical_id: str, properties: Json) -> None:
    with unless_gone("NotFoundException"):
        aws.client("budgets").delete_budget(AccountId=get_account_id(), BudgetName=physical_id)


def _budget(properties: Json, name: str) -> Json:
    """The budget as its API takes it, where an amount is text."""
    budget: Json = {**properties["Budget"], "BudgetName": name}
    if limit := budget.get("BudgetLimit"):
        budget["BudgetLimit"] = limit | {"Amount": str(limit["Amount"])}
    return budget


def _register(old: Json, new: Json) -> Provisioned:
    request = {key: value for key, value in new.items() if key != "Tags"}
    arn = {"ResourceARN": autoscaling.call("RegisterScalableTarget", request)["ScalableTargetARN"]}
    tags, removed = tag_changes(old.get("Tags", []), new.get("Tags", []))
    autoscaling.call("TagResource", arn | {"Tags": {tag["Key"]: tag["Value"] for tag in tags}})
    autoscaling.call("UntagResource", arn | {"TagKeys": removed})
    name = "|".join(new[key] for key in TARGET)
    return name, {"Id": name}


def _deregister(physical_id: str, properties: Json) -> None:
    with contextlib.suppress(api.ApiError):  # the endpoint took it along
        autoscaling.call("DeregisterScalableTarget", dict(zip(TARGET, physical_id.split("|"), strict=True)))


def _policy(properties: Json) -> Json:
    """A policy's properties as its API takes them."""
    request = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
    if target := properties.get("ScalingTargetId"):
        request |= dict(zip(TARGET, target.split("|"), strict=True))
    return request


def _put_policy(properties: Json) -> Provisioned:
    arn = autoscaling.call("PutScalingPolicy", _policy(properties))["PolicyARN"]
    return arn, {"Arn": arn}


def _delete_policy(physical_id: str, properties: Json) -> None:
    request = _policy(properties)
    with contextlib.suppress(api.ApiError):  # the target took it along
        autoscaling.call("DeleteScalingPolicy", {key: request[key] for key in (*TARGET, "PolicyName")})


def _create_schedule(logical_id: str, properties: Json, stack_name: str) -> Provisioned:
    name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
    arn = aws.client("scheduler").create_schedule(**properties | {"Name": name})["ScheduleArn"]
    return name, {"Arn": arn}


def _update_schedule(physical_id: str, old: Json, new: Json) -> Provisioned:
    arn = aws.client("scheduler").update_schedule(**new | {"Name": physical_id})["ScheduleArn"]
    return physical_id, {"Arn": arn}


def _delete_schedule(physical_id: str, properties: Json) -> None:
    group = properties.get("GroupName", "default")
    with unless_gone("ResourceNotFoundException"):  # its group took it along
        aws.client("scheduler").delete_schedule(Name=physical_id, GroupName=group)
