"""`docs/configuration.md` has every setting and every rule."""

from __future__ import annotations

import ast
import inspect
import sys

import pytest
from pydantic import BaseModel

from docs.configuration import PAGE, WRONG, page, says
from stacks import rules, settings


def test_the_page_is_made_from_the_settings_as_they_are() -> None:
    """`.venv/bin/python -m docs.configuration` makes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_rule_across_fields_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, shown = rules.Broken, set()

    def record(field: str, value: object, problem: str) -> rules.Broken:
        shown.add(sys._getframe(1).f_lineno)
        return broken(field, value, problem)

    monkeypatch.setattr(rules, "Broken", record)
    for text in WRONG:
        says(text)
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(rules))) if isinstance(node, ast.Call)]
    stated = {call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Broken"}
    assert shown == stated


def test_every_check_of_a_field_is_shown() -> None:
    models = [one for one in vars(settings).values() if isinstance(one, type) and issubclass(one, BaseModel)]
    checks = [
        set(validator.info.fields)
        for model in models
        for validator in model.__pydantic_decorators__.field_validators.values()
    ]
    shown = {says(text).partition(": ")[0].rpartition(".")[2] for text in WRONG}
    assert checks
    assert [fields for fields in checks if not fields & shown] == []


def test_a_right_file_is_not_shown_as_refused() -> None:
    with pytest.raises(ValueError, match="is not refused"):
        says("region: ap-northeast-2")
