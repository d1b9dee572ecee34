"""Cloud assemblies of a few lines, for what the repository's own does not have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from review.model import Side

Json = dict[str, Any]


def digest(number: int, of: str) -> str:
    """The digest of an asset: another one each time that an assembly is made in a folder of another name."""
    return f"{of.encode().hex()}{number}".rjust(64, "0")


def small_side(
    folder: Path,
    stacks: Mapping[str, Json],
    *,
    metadata: Mapping[str, Json] | None = None,
    assets: Sequence[bytes] = (),
    findings: Mapping[str, str] | None = None,
) -> Side:
    """A commit whose stacks have those resources, code assets and metadata: name → by path.

    `findings` are paths of constructs and the rule that each breaks.
    """
    folder.mkdir()
    files = {}
    for number, content in enumerate(assets):
        name = digest(number, folder.name)
        path = f"asset.{name}.tar.gz"
        (folder / path).write_bytes(content)
        files[name] = {"displayName": f"Code{number}", "source": {"path": path}}
    artifacts = {}
    for name, resources in stacks.items():
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json"},
            "metadata": (metadata or {}).get(name, {}),
        }
        template = {"source": {"path": f"{name}.template.json"}}
        _write(folder / f"{name}.template.json", {"Resources": resources})
        _write(folder / f"{name}.assets.json", {"files": {**files, "template": template}})
    _write(folder / "manifest.json", {"artifacts": artifacts})
    violations = [
        {"ruleName": rule, "violatingConstructs": [{"constructPath": path}]}
        for path, rule in (findings or {}).items()
    ]
    _write(folder / "validation-report.json", {"pluginReports": [{"violations": violations}]})
    return Side(folder.name, folder, folder)


def _write(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
