"""The pictures of `docs/architecture.md`: drawn by Graphviz from what the synthesised stacks are."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from docs.diagram import ANY_OTHER_FAILURE, STOPS, arrows, definition, reached, words
from docs.security import ROOT, Assembly, Row, Stack, bare, role_of
from review.assembly import spaced

_RENDERER = ROOT / "review" / "graphviz.mjs"
_MACHINES = {
    "retrain": "training",
    "train": "training",
    "promote": "training",
    "notify": "training",
    "transform": "serving",
}
_STYLE = """\
    graph [fontname="Arial" fontsize=12 bgcolor="white" pad=0.1 ranksep=0.4 nodesep=0.25 {attributes}]
    node [fontname="Arial" fontsize=11 shape=box style="filled" fillcolor="#f6f8fa" color="#57606a"
          margin="0.24,0.06" height=0.36]
    edge [fontname="Arial" fontsize=9 color="#57606a" arrowsize=0.7]"""
# Arial is what Graphviz knows the widths of; where there is none, what comes after it is not much wider.
_FONTS = 'font-family="Arial,Helvetica,Liberation Sans,sans-serif"'
_SHAPES = {"Choice": "hexagon", "Succeed": "oval", "Fail": "oval"}
_FAILS = ' [style=dashed label="  fails"]'
_BUCKETS = {"<data bucket>": "data bucket", "<artifact bucket>": "artifact bucket"}


def pictures(assembly: Assembly) -> dict[str, str]:
    """The pictures by file name, as SVG.

    Raises:
        RuntimeError: node could not draw them.
    """
    graphs = {"stacks": _stacks(assembly), "data": _data(assembly), "network": _network(assembly)}
    for machine, part in _MACHINES.items():
        stack = next(stack for stack in assembly.stacks if stack.part == part)
        graphs[machine] = _workflow(definition({"Resources": stack.resources}, machine))
    drawn = subprocess.run(
        ["node", str(_RENDERER)],
        input=json.dumps(list(graphs.values())),
        capture_output=True,
        encoding="utf-8",
    )
    if drawn.returncode:
        raise RuntimeError(f"the pictures were not drawn; `npm ci` installs what draws them:\n{drawn.stderr}")
    return {f"{name}.svg": _file(svg) for name, svg in zip(graphs, json.loads(drawn.stdout), strict=True)}


def _file(svg: str) -> str:
    svg = re.sub(r"<!--.*?-->\n?|<title>.*?</title>\n?", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return svg.replace('font-family="Arial"', _FONTS)


def kinds(stack: Stack) -> Counter[str]:
    """How many of each kind of resource, without roles, policies and what only ties two together."""
    kinds = (resource["Type"].split("::")[1:] for resource in stack.resources.values())
    return Counter(
        f"{service} {words(name)}"
        for service, name in kinds
        if service != "IAM"
        and not name.endswith(("BucketPolicy", "QueuePolicy", "TopicPolicy", "Association"))
    )


def imports(assembly: Assembly) -> Iterator[tuple[Stack, Row]]:
    """From and to which part, and what, for everything that one stack takes of another."""
    for stack in assembly.stacks:
        makers = {
            name: maker.part
            for maker in assembly.stacks
            if maker.environment == stack.environment
            for name in maker.exports
        }
        names = sorted(set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(stack.resources))))
        for part in sorted({makers[name] for name in names}):
            things = [spaced(name.rpartition("-")[2]) for name in names if makers[name] == part]
            yield stack, (part, stack.part, ", ".join(things))


def _stacks(assembly: Assembly) -> str:
    held: dict[str, Counter[str]] = {}
    taken: dict[tuple[str, str], dict[str, None]] = {}
    for stack in assembly.stacks:
        held[stack.part] = held.get(stack.part, Counter()) | kinds(stack)
    for _, (maker, taker, things) in imports(assembly):
        taken.setdefault((maker, taker), {}).update(dict.fromkeys(things.split(", ")))
    lines = []
    for part, counts in held.items():
        rows = "".join(
            f"{kind}{f' × {count}' if count > 1 else ''}<br align='left'/>" for kind, count in counts.items()
        )
        title = f"<b>nunchi-&lt;env&gt;-{part}</b>{'&#160;' * 8}<br align='left'/>"
        lines.append(f'{part} [margin="0.4,0.06" label=<{title}<br/>{rows}>]')
    lines += [f'{maker} -> {taker} [label="{_broken(things)}"]' for (maker, taker), things in taken.items()]
    lines += [
        'champion [label="/nunchi/<env>/champion" shape=note fillcolor="#fff8c5"]',
        'training -> champion [label="  written by a promotion" style=dashed]',
        'champion -> serving [label="  read by each update" style=dashed]',
    ]
    return _graph("rankdir=TB ranksep=0.6", lines)


def _broken(things: Iterable[str]) -> str:
    return "".join(f"  {thing}    \\l" for thing in things)


def _workflow(machine: dict[str, Any]) -> str:
    lines = [
        f'{name} [label="{words(name)}" shape={_SHAPES.get(kind, "box")}]'
        for name, kind in reached(machine).items()
    ]
    for source, target, fails in arrows(machine):
        lines.append(f"{source} -> {target}{_FAILS if fails else ''}")
    lines.append(f'any [label="{ANY_OTHER_FAILURE}" style=dashed] stops [label="{STOPS}" shape=oval]')
    lines.append("any -> stops [style=dashed]")
    return _graph("rankdir=TB", lines)


def _data(assembly: Assembly) -> str:
    ways: dict[tuple[str, str], set[str]] = {}
    for stack in assembly.stacks:
        policies = dict(stack.of_type("AWS::IAM::ManagedPolicy"))
        for _, role in stack.of_type("AWS::IAM::Role"):
            for policy in role["ManagedPolicyArns"]:
                for one in policies[policy["Ref"]]["PolicyDocument"]["Statement"]:
                    for place in _prefixes(assembly, stack, one["Resource"]):
                        way = {"s3:GetObject": "reads", "s3:PutObject": "writes"}
                        ways.setdefault((role_of(role), place), set()).update(
                            way[action] for action in one["Action"] if action in way
                        )
    places: dict[str, list[str]] = {}
    for _, place in dict.fromkeys(ways):
        bucket = place.partition("/")[0]
        if place not in places.setdefault(bucket, []):
            places[bucket].append(place)
    lines = []
    for number, (bucket, found) in enumerate(places.items()):
        nodes = " ".join(
            f'"{place}" [label="{place.partition("/")[2]}" shape=folder fillcolor=white]' for place in found
        )
        lines.append(f'subgraph cluster_{number} {{ label="{bucket}" color="#8c959f" {nodes} }}')
    for (reader, place), done in ways.items():
        lines.append(f'"{reader}" [fillcolor="#ddf4ff"]')
        if "reads" in done:
            lines.append(f'"{place}" -> "{reader}"{" [dir=both]" if "writes" in done else ""}')
        else:
            lines.append(f'"{reader}" -> "{place}"')
    return _graph("rankdir=LR ranksep=1.1", lines)


def _prefixes(assembly: Assembly, stack: Stack, resources: list[Any]) -> Iterator[str]:
    for resource in resources:
        bucket, _, prefix = assembly.words(stack, resource).partition("/")
        if bucket in _BUCKETS and prefix:
            yield f"{_BUCKETS[bucket]}/{'everything' if prefix == '*' else prefix.removesuffix('*')}"


def _network(assembly: Assembly) -> str:
    (stack,) = (stack for stack in assembly.stacks if stack.part == "network")
    ((_, vpc),) = stack.of_type("AWS::EC2::VPC")
    subnets = [subnet["CidrBlock"] for _, subnet in stack.of_type("AWS::EC2::Subnet")]
    services: dict[str, list[str]] = {}
    for _, endpoint in stack.of_type("AWS::EC2::VPCEndpoint"):
        name = assembly.words(stack, endpoint["ServiceName"]).rpartition("<region>.")[2]
        services.setdefault(endpoint["VpcEndpointType"], []).append(name)
    groups = {
        bare(name): group["GroupDescription"] for name, group in stack.of_type("AWS::EC2::SecurityGroup")
    }
    lines = [
        f'subgraph cluster_vpc {{ label="VPC {vpc["CidrBlock"]}: no way to the internet" color="#8c959f"',
        f'inside [label="{groups["Containers"]}\\nsubnets {", ".join(subnets)}" fillcolor="#ddf4ff"]',
        f'interfaces [label="{groups["Services"]}\\nport 443, from the VPC alone"]',
        "gateway [label=\"Gateway endpoint\\nthis account's buckets and the images' layers\"] }",
        f'services [label="{_broken(services["Interface"])}" shape=box fillcolor=white]',
        f'storage [label="{", ".join(services["Gateway"])}" shape=box fillcolor=white]',
        "inside -> interfaces -> services; inside -> gateway -> storage",
    ]
    return _graph("rankdir=LR", lines)


def _graph(attributes: str, lines: Iterable[str]) -> str:
    return "digraph {\n" + "\n".join([_STYLE.format(attributes=attributes), *lines]) + "\n}\n"
