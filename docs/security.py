"""Writes `docs/security.md`: what the synthesised stacks allow, encrypt and keep, and why.

`python -m docs.security` does, after `make synth`. A test keeps the page current.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import review.assembly
from docs.diagram import definition
from review.assembly import spaced

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "security.md"

Json = dict[str, Any]
Row = tuple[str, ...]

_WILDCARD = "AwsSolutions-IAM5"
_ORDER = ("storage", "network", "training", "serving", "monitoring")
_HEAD = """\
# Security

Made from the templates of all environments by `python -m docs.security`: do not edit. `<env>` stands for the
environment; what has no name of its own is named in angle brackets. Why things are as they are stands in
the code beside them: [stacks/](../stacks)."""


class Stack:
    """A stack of a cloud assembly."""

    def __init__(self, stack: review.assembly.Stack) -> None:
        """Look at `stack`."""
        self.environment, self.part, self.protected = stack.environment, stack.part, stack.protected
        self.resources = stack.resources
        self.exports = list(stack.exports)
        self._metadata = stack.metadata

    def of_type(self, *kinds: str) -> Iterator[tuple[str, Json]]:
        """Logical id and properties of the resources of those types."""
        for name, resource in self.resources.items():
            if resource["Type"] in kinds:
                yield name, resource["Properties"]

    def states(self) -> Iterator[tuple[str, Json]]:
        """Workflow and state, as in `retrain: Train`, and the state, of every state machine."""
        for _, properties in self.of_type("AWS::StepFunctions::StateMachine"):
            machine = properties["StateMachineName"].rpartition("-")[2]
            for name, state in definition({"Resources": self.resources}, machine)["States"].items():
                yield f"{machine}: {name}", state

    def acknowledged(self) -> Iterator[tuple[str, str, str, str]]:
        """Path, logical id if there is one, finding and reason of every acknowledgement."""
        for path, entries in self._metadata.items():
            data = {entry["type"]: entry["data"] for entry in entries}
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    for finding, reason in entry["data"].items():
                        name = finding.removeprefix("Annotation::")
                        yield path, data.get("aws:cdk:logicalId", ""), name, reason


class Assembly:
    """All stacks of all environments."""

    def __init__(self, folder: Path) -> None:
        """Read the cloud assembly in `folder`."""
        self.stacks = sorted(
            map(Stack, review.assembly.read(folder).stacks),
            key=lambda stack: (_ORDER.index(stack.part), stack.environment),
        )
        self.environments = sorted({stack.environment for stack in self.stacks})
        self._exports = [export for stack in self.stacks for export in stack.exports]

    def words(self, stack: Stack, value: Any) -> str:
        """`value` for people: a resource without account and region, `<env>` for the environment."""
        text = re.sub(r'\{"Fn::Select".*\}', "<id>", _flat(value))
        for name in self._exports:
            text = re.sub(rf"\b{name}\b", f"<{spaced(name.rpartition('-')[2])}>", text)
        text = re.sub(r"<(\w+)(\.\w+)?>", lambda found: _what(stack, found[1]), text)
        text = re.sub(r"[<{]AWS::(\w+?)(Id)?[>}]", lambda found: f"<{found[1].lower()}>", text)
        text = text.replace("$<", "<").replace("ap-northeast-2", "<region>")
        text = re.sub(r"^arn:[^:]*:[^:]*:[^:]*:[^:]*:", "", text)
        return re.sub(rf"\b(nunchi[-/]){stack.environment}\b", r"\1<env>", text)

    def table(self, head: Sequence[str], rows: Iterable[tuple[Stack, Row]]) -> str:
        """The rows without repetition, each with the environments in which it holds."""
        where: dict[Row, set[str]] = {}
        for stack, row in rows:
            where.setdefault(row, set()).add(stack.environment)
        lines = [(*head, "Where"), ("---",) * (len(head) + 1)]
        for row, found in where.items():
            lines.append((*row, "all" if len(found) == len(self.environments) else ", ".join(sorted(found))))
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(folder: Path) -> str:
    """The page about the cloud assembly in `folder`."""
    assembly = Assembly(folder)
    return (
        "\n\n".join(
            [
                _HEAD,
                "## Roles\n\nEach is assumed by one service, in this account's name only, and its one policy"
                " is there before it is.",
                *_roles(assembly),
                "## Wildcards\n\nWhy each resource above with a wildcard in it is as narrow as it gets.",
                assembly.table(["Resource", "Roles", "Why"], _wildcards(assembly)),
                f"## Other findings that are as they should be\n\n{_counts(assembly)}",
                assembly.table(["Rules", "Of", "Why"], _findings(assembly)),
                "## Policies of resources",
                assembly.table(["Of", "Effect", "Who", "May", "If"], _policies(assembly)),
                "## Encryption\n\n`<key>` is the environment's own, renewed every year.",
                assembly.table(["What", "With"], _encrypted(assembly)),
                "## Network",
                assembly.table(["What runs", "How"], _placed(assembly)),
                assembly.table(["Way in or out of the VPC", "What passes"], _ways(assembly)),
                "## Retention",
                assembly.table(["What", "Kept"], sorted(_kept(assembly), key=lambda row: row[1])),
            ]
        )
        + "\n"
    )


def _roles(assembly: Assembly) -> Iterator[str]:
    statements: dict[tuple[str, str], list[tuple[Stack, Row]]] = {}
    for stack in assembly.stacks:
        policies = dict(stack.of_type("AWS::IAM::ManagedPolicy"))
        for _, properties in stack.of_type("AWS::IAM::Role"):
            (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
            rows = statements.setdefault((role_of(properties), trust["Principal"]["Service"]), [])
            for policy in properties["ManagedPolicyArns"]:
                for one in policies[policy["Ref"]]["PolicyDocument"]["Statement"]:
                    resources = _lines(assembly.words(stack, resource) for resource in one["Resource"])
                    rows.append((stack, (_lines(one["Action"]), resources, _if(assembly, stack, one))))
    for (name, service), rows in statements.items():
        yield f"### {name[0].upper()}{name[1:]}, for `{service}`"
        yield assembly.table(["Actions", "Resources", "If"], rows)


def _wildcards(assembly: Assembly) -> Iterator[tuple[Stack, Row]]:
    for stack in assembly.stacks:
        roles: dict[tuple[str, str], dict[str, None]] = {}
        for _, policy, finding, reason in stack.acknowledged():
            if finding.startswith(_WILDCARD):
                resource = assembly.words(stack, finding.partition("[Resource::")[2][:-1])
                role = role_of(stack.resources[policy]["Properties"])
                roles.setdefault((resource, reason), {})[role] = None
        for (resource, reason), names in roles.items():
            yield stack, (_lines([resource]), ", ".join(names), reason)


def _findings(assembly: Assembly) -> Iterator[tuple[Stack, Row]]:
    for stack in assembly.stacks:
        rules: dict[tuple[str, str], list[str]] = {}
        for _, name, finding, reason in stack.acknowledged():
            if not finding.startswith(_WILDCARD):
                rules.setdefault((bare(name), reason), []).append(finding)
        for name, resource in stack.resources.items():
            for skipped in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
                rules.setdefault((bare(name), skipped["comment"]), []).append(skipped["id"])
        for (name, reason), ids in rules.items():
            yield stack, (_lines(ids), f"{stack.part} {name}".strip(), reason)


def _counts(assembly: Assembly) -> str:
    each = []
    for environment in assembly.environments:
        granular = {
            (path, finding)
            for stack in assembly.stacks
            if stack.environment == environment
            for path, _, finding, _ in stack.acknowledged()
        }
        wild = [finding for _, finding in granular if finding.startswith(_WILDCARD)]
        each.append(f"{len(granular)} in {environment} ({len(wild)} of them wildcards)")
    return (
        "cdk-nag's packs AwsSolutions, NIST 800-53 R5, PCI DSS 3.2.1 and HIPAA Security pass for every"
        f" environment. Acknowledged, each one finding of one construct: {', '.join(each)}. Findings of"
        " checkov (`CKV…`) that are passed over in the templates stand here too."
    )


def _policies(assembly: Assembly) -> Iterator[tuple[Stack, Row]]:
    documents = {
        "AWS::KMS::Key": "KeyPolicy",
        "AWS::S3::BucketPolicy": "PolicyDocument",
        "AWS::SNS::TopicPolicy": "PolicyDocument",
        "AWS::SQS::QueuePolicy": "PolicyDocument",
        "AWS::EC2::VPCEndpoint": "PolicyDocument",
    }
    for stack in assembly.stacks:
        for name, properties in stack.of_type(*documents):
            of = "VPC endpoints" if "VpcEndpointType" in properties else bare(name).removesuffix("Policy")
            for one in properties[documents[stack.resources[name]["Type"]]]["Statement"]:
                principal = one["Principal"]
                who = next(iter(principal.values())) if isinstance(principal, dict) else principal
                row = (
                    f"{of}: {one['Sid']}",
                    one["Effect"],
                    _lines(assembly.words(stack, each) for each in _list(who)),
                    _lines(_list(one["Action"])),
                    _if(assembly, stack, one),
                )
                yield stack, row


def _encrypted(assembly: Assembly) -> Iterator[tuple[Stack, Row]]:
    for stack in assembly.stacks:
        for name, resource in stack.resources.items():
            what = spaced(resource["Type"].rpartition(":")[2])
            named = assembly.words(stack, resource["Properties"].get("LogGroupName", bare(name)))
            for part, key in _keys(resource["Properties"]):
                yield stack, (f"{what} `{named}`{part}", f"`{assembly.words(stack, key)}`")
        for name, state in stack.states():
            for part, key in _keys(state.get("Arguments")):
                yield stack, (f"job `{name}`{part}", "`<key>`" if "KeyArn" in key else f"`{key}`")


def _keys(value: Any, part: str = "") -> Iterator[tuple[str, Any]]:
    """Of what part of a resource or a request, and the key that is named for it."""
    if isinstance(value, list):
        for item in value:
            yield from _keys(item, part)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name.startswith("Volume") and name.endswith("KeyId"):
                yield ": volume", item
            elif re.fullmatch(r"K(ms|MS)(Master)?Key(Id|ID)", name):
                yield part, item
            elif item == "AES256":
                yield part, "S3's own"
            else:
                parts = {"DataCaptureConfig": ": captured requests", "OutputDataConfig": ": output"}
                of_output = ": output" if name.endswith(("OutputConfig", "TransformOutput")) else part
                yield from _keys(item, parts.get(name, of_output))


def _placed(assembly: Assembly) -> Iterator[tuple[Stack, Row]]:
    for stack in assembly.stacks:
        placed = [
            (f"job `{name}`", state["Arguments"])
            for name, state in stack.states()
            # A transform job runs as its model does.
            if re.search(r"create(Processing|Training)Job\.sync$", state.get("Resource", ""))
        ]
        placed += [("model", model) for _, model in stack.of_type("AWS::SageMaker::Model")]
        for name, asks in placed:
            network = asks.get("NetworkConfig", asks)
            yes = {
                "in the VPC": "VpcConfig" in network,
                "container isolated from the network": network.get("EnableNetworkIsolation"),
                "traffic between containers encrypted": network.get("EnableInterContainerTrafficEncryption"),
            }
            yield stack, (name, "; ".join(what for what, is_so in yes.items() if is_so) or "open")


def _ways(assembly: Assembly) -> Iterator[tuple[Stack, Row]]:
    for stack in assembly.stacks:
        services: dict[str, list[str]] = {}
        for _, endpoint in stack.of_type("AWS::EC2::VPCEndpoint"):
            service = assembly.words(stack, endpoint["ServiceName"]).rpartition("<region>.")[2]
            services.setdefault(endpoint["VpcEndpointType"], []).append(service)
        for kind, names in services.items():
            yield stack, (f"{kind} endpoints", _lines(names))
        for name, group in stack.of_type("AWS::EC2::SecurityGroup"):
            for way in ("Ingress", "Egress"):
                for rule in group.get(f"SecurityGroup{way}", ()):
                    what = f"{rule['IpProtocol']} {rule['FromPort']} {rule['CidrIp']}"
                    yield stack, (f"{way} of {name}: {rule['Description']}", f"`{what}`")


def _kept(assembly: Assembly) -> Iterator[tuple[Stack, Row]]:
    for stack in assembly.stacks:
        if stack.protected:
            yield stack, ("every stack", "until its termination protection is taken off")
        for name, resource in stack.resources.items():
            if resource.get("DeletionPolicy") == "Retain":
                yield stack, (f"{stack.part}: `{bare(name)}`", "when the stack is deleted")
        for name, bucket in stack.of_type("AWS::S3::Bucket"):
            for rule in bucket["LifecycleConfiguration"]["Rules"]:
                what = f"`{bare(name)}/{rule.get('Prefix', '')}*`"
                if "ExpirationInDays" in rule:
                    yield stack, (what, f"{rule['ExpirationInDays']} days")
                if noncurrent := rule.get("NoncurrentVersionExpiration"):
                    more = f"{noncurrent['NoncurrentDays']} days more"
                    yield stack, (f"{what}, overwritten or deleted", more)
        groups = [(group["LogGroupName"], group) for _, group in stack.of_type("AWS::Logs::LogGroup")]
        groups += [
            (state["Arguments"]["LogGroupName"], state["Arguments"])
            for _, state in stack.states()
            if state.get("Resource", "").endswith(":putRetentionPolicy")
        ]
        for name, group in groups:
            yield stack, (f"`{assembly.words(stack, name)}`", f"{group['RetentionInDays']} days")


def _if(assembly: Assembly, stack: Stack, statement: Json) -> str:
    return "<br>".join(
        f"`{key}` is {'like ' if operator.endswith('Like') else ''}"
        + _lines(assembly.words(stack, one) for one in _list(value))
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    )


def role_of(properties: Json) -> str:
    """A role's name, of its description or its policy's."""
    return str(properties["Description"]).partition(": ")[2]


def _what(stack: Stack, logical_id: str) -> str:
    resource = stack.resources.get(logical_id)
    if resource is None:
        return f"<{logical_id}>"
    if resource["Type"] == "AWS::IAM::Role":
        return f"<role of {role_of(resource['Properties'])}>"
    name = resource["Properties"].get("StateMachineName")
    return f"stateMachine:{name}" if name else f"<{spaced(resource['Type'].rpartition(':')[2])}>"


def _flat(value: Any) -> str:
    """`value` as cdk-nag writes it in its findings."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    match function:
        case "Fn::Join":
            return str(argument[0]).join(map(_flat, argument[1]))
        case "Fn::Sub" | "Fn::ImportValue":
            return str(argument)
        case "Ref":
            return f"<{argument}>"
        case "Fn::GetAtt":
            return f"<{'.'.join(argument)}>"
    return json.dumps(value, separators=(",", ":"))


def bare(logical_id: str) -> str:
    """A logical id without the hash that the CDK adds."""
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _lines(items: Iterable[str]) -> str:
    return "<br>".join(f"`{item}`" for item in items)


if __name__ == "__main__":
    PAGE.write_text(page(ROOT / "cdk.out"), encoding="utf-8")
