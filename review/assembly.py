"""Reads a cloud assembly: its environments, their stacks, and what the rule packs say of them."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review.model import Finding, Json

_INTRINSIC = re.compile(r"Ref|Fn::\w+")


@dataclass(frozen=True, eq=False)
class Stack:
    """A stack of a cloud assembly."""

    name: str
    """As in `nunchi-prod-serving`."""
    environment: str
    part: str
    template: Json
    """With `<digest of TrainingCode>` where the digest of a code asset stands."""
    protected: bool
    """Whether it refuses to be deleted."""
    place: str
    """Account and region, as in `aws://unknown-account/ap-northeast-2`."""
    assets: Mapping[str, Path]
    """Code assets: the construct's id → the archive, which is named by its digest."""
    metadata: Mapping[str, list[Json]]
    """Construct path, as in `/nunchi-prod-serving/Realtime` → what the CDK noted there."""

    @property
    def resources(self) -> Json:
        """The template's resources by logical id."""
        resources: Json = self.template["Resources"]
        return resources

    @property
    def exports(self) -> Json:
        """Name → value of what other stacks may import."""
        outputs = self.template.get("Outputs", {}).values()
        return {self.words(one["Export"]["Name"]): one["Value"] for one in outputs if "Export" in one}

    @functools.cached_property
    def _paths(self) -> Mapping[str, str]:
        return {
            entry["data"]: path.removeprefix(f"/{self.name}/")
            for path, entries in self.metadata.items()
            for entry in entries
            if entry["type"] == "aws:cdk:logicalId"
        }

    def path(self, logical_id: str) -> str:
        """Of the construct behind a logical id, as in `Realtime/Endpoint/Config`."""
        return self._paths.get(logical_id, logical_id)

    def acknowledgements(self) -> Iterator[Finding]:
        """Every acknowledged finding, with its reason."""
        for path, entries in self.metadata.items():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    for rule, reason in entry["data"].items():
                        yield Finding(path.removeprefix("/"), rule.removeprefix("Annotation::"), reason)

    def words(self, value: Any) -> str:
        """A value that the template makes of intrinsic functions, as one text for people."""
        match value:
            case str():
                return value
            case list():
                return ", ".join(map(self.words, value))
            case {"Ref": str(name)}:
                pseudo = re.sub(r"Id$", "", name.removeprefix("AWS::")).lower()
                return f"<{pseudo if name.startswith('AWS::') else self.path(name)}>"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                more = "" if re.search(r"(Arn|Id|Name)$", attribute) else f".{attribute}"
                return f"<{self.path(name)}{more}>"
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(map(self.words, parts))
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:]+)\}", lambda found: self.words({"Ref": found[1]}), text)
            case {"Fn::ImportValue": name}:
                return f"<{spaced(self.words(name).removeprefix(f'nunchi-{self.environment}-'))}>"
            case {"Fn::Select": [index, {"Fn::GetAZs": _}]}:
                return f"<availability zone {index}>"
            case {"Fn::Select": [index, {"Fn::Split": [_, text]}]}:
                return f"<part {index} of {self.words(text)}>"
        return json.dumps(value, ensure_ascii=False, sort_keys=True)

    def readable(self, value: Any) -> Any:
        """A value with words for intrinsic functions, and texts that hold JSON as what they hold."""
        match value:
            case list():
                return [self.readable(item) for item in value]
            case dict() if "Fn::If" in value:
                return {"Fn::If": self.readable(value["Fn::If"])}
            case dict() if len(value) == 1 and _INTRINSIC.fullmatch(next(iter(value))):
                return _parsed(self._joined(value))
            case dict():
                return {key: self.readable(item) for key, item in value.items()}
            case str():
                return _parsed(value)
        return value

    def _joined(self, value: Json) -> str:
        match value:
            case {"Fn::Join": ["", [str(first), *_] as parts]} if first.startswith(("{", "[")):
                return "".join(
                    part if isinstance(part, str) else json.dumps(self.words(part), ensure_ascii=False)[1:-1]
                    for part in parts
                )
        return self.words(value)


@dataclass(frozen=True, eq=False)
class Assembly:
    """All stacks of all environments."""

    stacks: tuple[Stack, ...]
    """In the order in which they are deployed."""
    findings: tuple[Finding, ...]
    """What the rule packs found and nobody acknowledged."""

    @property
    def environments(self) -> list[str]:
        """Their names, sorted."""
        return sorted({stack.environment for stack in self.stacks})

    def of(self, environment: str) -> dict[str, Stack]:
        """The stacks of an environment, by name."""
        return {stack.name: stack for stack in self.stacks if stack.environment == environment}


@functools.cache
def read(folder: Path) -> Assembly:
    """The cloud assembly in `folder`."""
    artifacts = _json(folder / "manifest.json")["artifacts"]
    report = folder / "validation-report.json"
    return Assembly(
        tuple(
            _stack(folder, name, artifact)
            for name, artifact in artifacts.items()
            if artifact["type"] == "aws:cloudformation:stack"
        ),
        tuple(_findings(_json(report))) if report.exists() else (),
    )


def _stack(folder: Path, name: str, artifact: Json) -> Stack:
    _, environment, part = name.split("-", 2)
    files = _json(folder / f"{name}.assets.json")["files"]
    codes = {
        digest: file
        for digest, file in files.items()
        if not file["source"]["path"].endswith(".template.json")
    }
    template = (folder / artifact["properties"]["templateFile"]).read_text(encoding="utf-8")
    for digest, file in codes.items():
        template = template.replace(digest, f"<digest of {file['displayName']}>")
    # The CDK stores it in a file beside the manifest, or in the manifest itself.
    metadata = artifact.get("additionalMetadataFile")
    return Stack(
        name,
        environment,
        part,
        template=json.loads(template),
        protected=bool(artifact["properties"].get("terminationProtection")),
        place=artifact["environment"],
        assets={file["displayName"]: folder / file["source"]["path"] for file in codes.values()},
        metadata=_json(folder / metadata) if metadata else artifact.get("metadata", {}),
    )


def _findings(report: Json) -> Iterator[Finding]:
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                yield Finding(construct["constructPath"], violation["ruleName"])


def _json(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def _parsed(text: str) -> Any:
    if text.startswith(('{"', "[{", '["')):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def spaced(name: str) -> str:
    """`DataBucket` → `data bucket`, `KeyArn` → `key`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", re.sub(r"(Arn|Id)$", "", name)).lower()
