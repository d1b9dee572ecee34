"""What a review says of the settings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from review.model import SettingChange, Side
from review.settings_changes import setting_changes

ROOT = Path(__file__).resolve().parents[2]

WHO = "owner: 언어팀\ncost_centre: nlp\n"
BASE = {
    "moved": "gate: {min_accuracy: 0.6}\nnotification_emails: [a@example.com]\n",
    "spelt": "gate: {min_accuracy: 0.6}\nserving: {batch: {}}\n",
    "default": "",
    "section": "gate: {min_accuracy: 0.6}\n",
    "gone": "gate: {min_accuracy: 0.6}\n",
    "knew": "gate: {min_accuracy: 0.6}\n",
}
HEAD = {
    "moved": "gate: {min_accuracy: 0.7}\nnotification_emails: [a@example.com, b@example.com]\n",
    # The same, said otherwise: in another order, as a comment, with what the defaults are.
    "spelt": "serving: {hub: null}  # 없음\ngate: {max_accuracy_drop: 0.005, min_accuracy: 0.60}\n",
    "default": "",
    "section": "gate: {min_accuracy: 0.6}\nserving: {serverless: {}, realtime: null}\n",
    "new": "gate: {min_accuracy: 0.6}\nlogs: {}\n",
    "knew": "gate: {min_accuracy: 0.6}\nstorage: {log_days: 30}\n",
}


def side(folder: Path, files: dict[str, str]) -> Side:
    """A commit with those environments."""
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "config").mkdir()
    for name, text in files.items():
        text = f"environment: {name}\n{WHO}{text}"
        (folder / "config" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Side(folder.name, folder, folder)


@pytest.fixture(scope="session")
def changes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[SettingChange, ...]]:
    """What the review says of the table above, where the model changes too."""
    folder = tmp_path_factory.mktemp("settings")
    base, head = side(folder / "base", BASE), side(folder / "head", HEAD)
    model = head.source / "stacks" / "settings.py"
    text = model.read_text(encoding="utf-8")
    for old, changed in (
        ("le=1)] = 0.85", "le=1)] = 0.95"),
        (
            "    access_log_days: ",
            "    log_days: int = 365\n    access_days: int = 365\n    access_log_days: ",
        ),
    ):
        assert old in text
        text = text.replace(old, changed)
    model.write_text(text, encoding="utf-8")
    return setting_changes(base, head)


def test_a_field_that_changed_is_named_with_both_values(
    changes: dict[str, tuple[SettingChange, ...]],
) -> None:
    assert SettingChange("gate.min_accuracy", 0.6, 0.7) in changes["moved"]


def test_a_list_is_one_value(changes: dict[str, tuple[SettingChange, ...]]) -> None:
    both = ["a@example.com", "b@example.com"]
    assert SettingChange("notification_emails", both[:1], both) in changes["moved"]


def test_nothing_else_of_the_environment_is_shown(changes: dict[str, tuple[SettingChange, ...]]) -> None:
    assert len(changes["moved"]) == 2


def test_a_default_that_is_spelt_out_is_no_change(changes: dict[str, tuple[SettingChange, ...]]) -> None:
    assert changes["spelt"] == ()


def test_a_default_that_changed_is_one_of_who_relies_on_it(
    changes: dict[str, tuple[SettingChange, ...]],
) -> None:
    assert changes["default"] == (SettingChange("gate.min_accuracy", 0.85, 0.95),)


def test_a_section_that_comes_or_goes_is_shown_with_its_defaults(
    changes: dict[str, tuple[SettingChange, ...]],
) -> None:
    found = {change.path: (change.before, change.after) for change in changes["section"]}
    assert found["serving.serverless.memory_mb"] == (None, 3072)
    assert found["serving.realtime.instance_type"] == ("ml.m5.large", None)


def test_of_a_new_environment_the_fields_of_its_file_are_shown(
    changes: dict[str, tuple[SettingChange, ...]],
) -> None:
    assert [(change.path, change.after) for change in changes["new"]] == [
        ("environment", "new"),
        ("owner", "언어팀"),
        ("cost_centre", "nlp"),
        ("logs", {}),
        ("gate.min_accuracy", 0.6),
    ]


def test_a_field_that_the_other_side_does_not_have_counts_where_it_is_set(
    changes: dict[str, tuple[SettingChange, ...]],
) -> None:
    assert changes["knew"] == (SettingChange("storage.log_days", None, 30),)


def test_of_an_environment_that_goes_the_fields_of_its_file_are_shown(
    changes: dict[str, tuple[SettingChange, ...]],
) -> None:
    assert SettingChange("gate.min_accuracy", 0.6, None) in changes["gone"]


def test_settings_that_cannot_be_read_are_said_to_be_so(tmp_path: Path) -> None:
    base = side(tmp_path / "base", {"dev": ""})
    head = side(tmp_path / "head", {"dev": "gate: {min_accuracy: 85}\n"})
    with pytest.raises(ValueError, match=r"(?s)head: .*gate\.min_accuracy"):
        setting_changes(base, head)
