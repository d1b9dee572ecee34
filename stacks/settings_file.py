"""Reads `config/<environment>.yaml` into `Settings`.

What is wrong in a file is said at once, a line each: the file, the field, its value, and what is allowed.
"""

from __future__ import annotations

import difflib
import math
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from stacks.rules import shown
from stacks.settings import Settings


class SettingsError(ValueError):
    """Settings that cannot be used, with everything that is wrong in them."""


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a field that is given twice, of which YAML would take the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a field's name must be a word", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_all(folder: Path, environment: str | None = None) -> list[Settings]:
    """The settings of every environment in `folder`, by name, or of the one that `cdk -c env=NAME` names.

    Raises:
        SettingsError: with all that is wrong in their files, or when there is no such environment.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if not files:
        raise SettingsError(f"{folder}: has no environment; write one, as in {folder.name}/dev.yaml")
    if environment is not None and environment not in files:
        close = difflib.get_close_matches(environment, files, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise SettingsError(
            f"{folder}: -c env={environment}: there is no {environment}.yaml; "
            f"{hint}allowed: {', '.join(files)}"
        )
    loaded, wrong = [], []
    for path in files.values() if environment is None else [files[environment]]:
        try:
            loaded.append(load(path))
        except SettingsError as error:
            wrong.append(str(error))
    if wrong:
        raise SettingsError("\n".join(wrong))
    return loaded


def load(path: Path) -> Settings:
    """The settings in the YAML file at `path`, whose stem is the environment's name.

    Raises:
        SettingsError: with the file, and for each wrong field its value and what is allowed.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 (it is a SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold fields, as in `environment: {path.stem}`")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        lines = [line for problem in error.errors() for line in _explain(problem)]
        raise SettingsError("\n".join(f"{path}: {line}" for line in lines)) from error
    if settings.environment != path.stem:
        raise SettingsError(
            f"{path}: environment: {settings.environment!r} is not the name of the file; "
            f"allowed: {path.stem!r}, or rename the file"
        )
    return settings


def _explain(problem: Any) -> list[str]:
    """What pydantic found, in our words, a line each."""
    location, value = problem["loc"], shown(problem["input"])
    field = ".".join(str(part) for part in location)
    match problem["type"]:
        case "missing":
            return [f"{field}: is missing; it has no default"]
        case "extra_forbidden" | "invalid_key":
            return [f"{field}: is not a setting; {_nearest(location)}"]
        case "model_type" if _may_be_off(location):
            return [f"{field}: {value} must hold fields, or be null to have none"]
        case "model_type":
            return [f"{field}: {value} must hold fields, or be left out"]
        case "literal_error":
            return [f"{field}: {value} is not allowed; allowed: {problem['ctx']['expected']}"]
        case "float_type" if _is_number(problem["input"]):
            # YAML 1.1 takes 1e-5 for text, and 1.0e-5 for a number.
            number = yaml.safe_dump(float(problem["input"])).splitlines()[0]
            return [f"{field}: {value} is text to YAML; write {number}"]
    said: str = problem["msg"].removeprefix("Value error, ")
    if not location:
        return said.splitlines()  # The rules across fields: each line has its field.
    return [f"{field}: {value} {said[0].lower()}{said[1:]}"]


def _nearest(location: tuple[str | int, ...]) -> str:
    known = list(_model_around(location).model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"did you mean {close[0]}?" if close else f"allowed: {', '.join(known)}"


def _model_around(location: tuple[str | int, ...]) -> type[BaseModel]:
    """The model whose field is at `location`."""
    model: type[BaseModel] = Settings
    for part in location[:-1]:
        annotation = model.model_fields[str(part)].annotation
        # Of `RealtimeSettings | None`, the model.
        (model,) = (
            each
            for each in (annotation, *get_args(annotation))
            if isinstance(each, type) and issubclass(each, BaseModel)
        )
    return model


def _may_be_off(location: tuple[str | int, ...]) -> bool:
    annotation = _model_around(location).model_fields[str(location[-1])].annotation
    return type(None) in get_args(annotation)


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False
