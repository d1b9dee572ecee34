"""What of `config/<environment>.yaml` changed, by what it means.

Each side's files are read by that side's own `stacks/settings.py`, and compared with every default filled in.
So a field that is spelt out and one that is left out are the same when they mean the same, and a default that
changed shows up in each environment that relies on it. None is a field that is null, or that is not there.
Of a field that only one side's model has, and of an environment that only one side has, what the file itself
says is shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from review.model import Json, SettingChange, Side

_READ = """
import json
from pathlib import Path
import yaml
from stacks.settings import Settings

found = {}
for path in sorted(Path("config").glob("*.yaml")):
    settings = Settings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    means = settings.model_dump(mode="json")
    says = settings.model_dump(mode="json", exclude_unset=True)
    found[path.stem] = {"means": means, "says": says}
print(json.dumps(found))
"""


def setting_changes(base: Side, head: Side) -> dict[str, tuple[SettingChange, ...]]:
    """The fields that differ, by environment.

    Raises:
        ValueError: a side's settings cannot be read.
    """
    readers = [_reader(side) for side in (base, head)]
    before, after = (_settings(side, reader) for side, reader in zip((base, head), readers, strict=True))
    return {name: tuple(_changes(before.get(name), after.get(name))) for name in sorted({**before, **after})}


def _reader(side: Side) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _READ],
        cwd=side.source,
        # No credentials for the commit's code.
        env={name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _settings(side: Side, reader: subprocess.Popen[str]) -> dict[str, Json]:
    said, wrong = reader.communicate()
    if reader.returncode:
        raise ValueError(f"{side.label}: stacks/settings.py cannot read config/*.yaml:\n{wrong.strip()}")
    found: dict[str, Json] = json.loads(said)
    return found


def _changes(before: Json | None, after: Json | None) -> Iterator[SettingChange]:
    of = "means" if before and after else "says"
    old, new = (dict(_fields(side[of])) if side else {} for side in (before, after))
    said = {path for side in (before, after) if side for path, _ in _fields(side["says"])}
    for path in {**old, **new}:
        if old.get(path) != new.get(path) and (_has(said, path) or (_has(old, path) and _has(new, path))):
            yield SettingChange(path, old.get(path), new.get(path))


def _has(fields: Iterable[str], path: str) -> bool:
    """Whether the field is among them: itself, or as a section above it, which is null or empty."""
    return any(f"{path}.".startswith(f"{field}.") for field in fields)


def _fields(values: Json, path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted path and value of each field; lists, and sections that say nothing, are values."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _fields(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
