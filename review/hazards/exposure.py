"""What more of the world can reach, or be reached by."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from review.hazards.case import Case, place
from review.model import Json

_WAYS_OUT = {
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::TransitGatewayAttachment",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EC2::VPCPeeringConnection",
}
# Switches that keep something in or out while they are on, and one that lets something out.
_KEEP = {
    "BlockPublicAcls": "access lists may make objects public",
    "BlockPublicPolicy": "a policy may make the bucket public",
    "IgnorePublicAcls": "access lists that make objects public count",
    "RestrictPublicBuckets": "a public policy lets in everybody",
    "PublicAccessBlockConfiguration": "nothing keeps the bucket from becoming public",
    "EnableNetworkIsolation": "the container reaches the network",
    "VpcConfig": "the container leaves the VPC, and may reach the internet",
    "PrivateDnsEnabled": "callers in the VPC are sent to the public address of the service",
}
_LET = {
    "IncludeExecutionData": "the log holds what goes in and out of each state, people's words among it",
    "MapPublicIpOnLaunch": "what is placed in the subnet gets a public address",
    "WebsiteConfiguration": "the bucket is served as a web site",
    "CorsConfiguration": "web pages of other origins may read the bucket",
}


@dataclass(frozen=True)
class Rule:
    """A rule of a security group."""

    way: str
    protocol: str
    first: int
    last: int
    peer: str

    def covers(self, other: Rule) -> bool:
        """Whether all that `other` lets through, this does."""
        # Of ICMP, the ports are a type and its code.
        return self == other or (
            self.way == other.way
            and (self.protocol == "-1" or self.protocol == other.protocol)
            and (self.protocol == "-1" or self.first <= other.first <= other.last <= self.last)
            and (self.peer == other.peer or _within(other.peer, self.peer))
        )

    @property
    def said(self) -> str:
        """It in words, as in `tcp 443 to 0.0.0.0/0`."""
        ports = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        what = "everything" if self.protocol == "-1" else f"{self.protocol} {ports}"
        return f"{what} {'from' if self.way == 'Ingress' else 'to'} {self.peer}"


def dangers(case: Case) -> Iterator[str]:
    """What is exposed."""
    if case.type == "AWS::EC2::SecurityGroup" and case.after:
        known = list(_rules(case.before)) if case.before else []
        for rule in _rules(case.after):
            if not any(one.covers(rule) for one in known) and (case.before or _is_public(rule)):
                before = ", ".join(one.said for one in known if one.way == rule.way) or "nothing"
                yield f"{case.what} lets through {rule.said}; before: {before}"
    if case.type in ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress") and case.after:
        way = case.type.removeprefix("AWS::EC2::SecurityGroup")
        rule = _rule(way, case.after)
        if not case.before or not _rule(way, case.before).covers(rule):
            yield f"{case.what} lets through {rule.said}"
    if case.type in _WAYS_OUT and case.change.kind == "added":
        yield f"{case.what} is new: it leads out of the VPC, or into it"
    if case.after.get("AccessControl", "Private") != case.before.get("AccessControl", "Private"):
        yield f"{case.what} has the access list {case.after.get('AccessControl', 'Private')}"
    yield from _switches(case)
    if not case.before:
        for key, value in case.after.get("PublicAccessBlockConfiguration", {}).items():
            if value is False:
                yield f"{case.what} is new, without {key}: {_KEEP[key]}"


def _switches(case: Case) -> Iterator[str]:
    for pair in case.pairs:
        if pair.key in _KEEP and pair.before and not pair.after:
            yield f"{case.what}: {place(pair.path)} goes: {_KEEP[pair.key]}"
        if pair.key in _LET and pair.after and not pair.before:
            yield f"{case.what}: {place(pair.path)} is new: {_LET[pair.key]}"
        if pair.key == "ObjectOwnership" and pair.before == "BucketOwnerEnforced":
            yield f"{case.what}: {pair.path} is {pair.after}: access lists count again, beside the policy"
        if pair.key == "OwnershipControls" and pair.before and not pair.after:
            yield f"{case.what}: {pair.path} goes: access lists may count again, beside the policy"


def _rules(group: Json) -> Iterator[Rule]:
    for way in ("Ingress", "Egress"):
        given = group.get(f"SecurityGroup{way}") or ()
        yield from (_rule(way, one) for one in given)
        if way == "Egress" and not given:
            # A group without one gets it from EC2.
            yield _rule(way, {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"})


def _rule(way: str, rule: Json) -> Rule:
    peers = ("CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId")
    lists = ("SourcePrefixListId", "DestinationPrefixListId")
    peer = next((str(rule[key]) for key in (*peers, *lists) if rule.get(key)), "anywhere")
    return Rule(way, str(rule["IpProtocol"]), _port(rule, "FromPort", 0), _port(rule, "ToPort", 65535), peer)


def _port(rule: Json, key: str, otherwise: int) -> int:
    value: Any = rule.get(key, otherwise)
    # Of ICMP, all types are -1.
    return otherwise if value in (-1, "-1") else int(value)


def _within(inner: str, outer: str) -> bool:
    try:
        small, large = (ipaddress.ip_network(block, strict=False) for block in (inner, outer))
    except ValueError:
        return False
    return small.network_address in large and small.broadcast_address in large


def _is_public(rule: Rule) -> bool:
    return rule.way == "Ingress" and rule.peer in ("0.0.0.0/0", "::/0", "anywhere")
