"""What a review says of the libraries that make the templates."""

from __future__ import annotations

import json
from pathlib import Path

from review.libraries import library_changes
from review.model import Side


def side(folder: Path, requirements: str | None = None, **package: dict[str, str]) -> Side:
    """A commit that asks for those libraries."""
    (folder / "stacks").mkdir(parents=True)
    if requirements is not None:
        (folder / "stacks" / "requirements.txt").write_text(requirements, encoding="utf-8")
    if package:
        (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    return Side(folder.name, folder, folder)


def test_an_upgrade_is_named_with_both_versions(tmp_path: Path) -> None:
    base = side(tmp_path / "base", "# 합성\naws-cdk-lib==2.274.0\nPyYAML==6.0.3\n")
    head = side(tmp_path / "head", "PyYAML==6.0.3  # config/\naws-cdk-lib==2.275.0\n")
    assert library_changes(base, head) == ("aws-cdk-lib 2.274.0 → 2.275.0",)


def test_what_is_new_and_what_is_gone_is_named(tmp_path: Path) -> None:
    base = side(tmp_path / "base", "constructs==10.8.0\ncdk-nag==3.0.2\n")
    head = side(tmp_path / "head", "cdk-nag==3.0.2\ntzdata\n")
    assert library_changes(base, head) == ("constructs 10.8.0 removed", "tzdata of any version added")


def test_of_npms_packages_the_cdk_cli_is_among_them(tmp_path: Path) -> None:
    base = side(tmp_path / "base", devDependencies={"aws-cdk": "2.1148.0"})
    head = side(tmp_path / "head", devDependencies={"aws-cdk": "2.1148.1", "a-tool": "1.0.0"})
    assert library_changes(base, head) == ("aws-cdk 2.1148.0 → 2.1148.1",)


def test_a_range_is_shown_as_it_is_written(tmp_path: Path) -> None:
    base, head = (
        side(tmp_path / "base", "pydantic[email] >=2,<3\n"),
        side(tmp_path / "head", "pydantic[email]==2.14.3\n"),
    )
    assert library_changes(base, head) == ("pydantic[email] >=2,<3 → 2.14.3",)


def test_a_commit_without_the_files_asks_for_nothing(tmp_path: Path) -> None:
    head = side(tmp_path / "head", "pydantic==2.14.3\n")
    assert library_changes(side(tmp_path / "base"), head) == ("pydantic 2.14.3 added",)
