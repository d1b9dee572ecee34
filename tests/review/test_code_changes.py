"""What a review says of the code that the jobs and the endpoints run."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from review.code_changes import code_changes
from review.model import FileChange, Side
from tests.review.small import small_side

CODE = '''\
"""Trains."""

RATE = 0.1  # 학습률


def train(rows):
    """Train on rows."""
    return [row * RATE for row in rows]
'''


def side(folder: Path, *assets: dict[str, bytes]) -> Side:
    """An assembly whose stacks of two environments have code assets of those files."""
    return small_side(
        folder, {"nunchi-dev-training": {}, "nunchi-prod-training": {}}, assets=[*map(packed, assets)]
    )


def packed(files: dict[str, bytes]) -> bytes:
    """An archive of files."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def changed(folder: Path, before: dict[str, str | bytes], after: dict[str, str | bytes]) -> list[FileChange]:
    """What the review says of one asset's files."""
    sides = []
    for name, files in (("base", before), ("head", after)):
        encoded = {
            path: content if isinstance(content, bytes) else content.encode()
            for path, content in files.items()
        }
        sides.append(side(folder / name, encoded))
    return list(code_changes(*sides))


def test_the_same_code_is_no_change(tmp_path: Path) -> None:
    assert changed(tmp_path, {"train.py": CODE}, {"train.py": CODE}) == []


def test_files_are_added_and_removed_with_their_lines(tmp_path: Path) -> None:
    assert changed(tmp_path, {"old.py": "a = 1\n"}, {"new/data.txt": "하나\n둘\n"}) == [
        FileChange("new/data.txt", "added", lines_added=2),
        FileChange("old.py", "removed", lines_removed=1),
    ]


def test_a_changed_file_has_the_lines_that_came_and_went(tmp_path: Path) -> None:
    after = CODE.replace("RATE = 0.1", "RATE = 0.2\nSEED = 42")
    assert changed(tmp_path, {"train.py": CODE}, {"train.py": after}) == [
        FileChange("train.py", "changed", lines_added=2, lines_removed=1)
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# 학습률", "# 학습 속도"),
        ('"""Train on rows."""', '"""Train on all of them."""'),
        ('    """Train on rows."""\n', ""),
        ("[row * RATE for row in rows]", "[\n        row * RATE\n        for row in rows\n    ]"),
    ],
    ids=["comment", "docstring", "docstring that went", "layout"],
)
def test_python_that_does_the_same_differs_in_comments_alone(tmp_path: Path, old: str, new: str) -> None:
    (change,) = changed(tmp_path, {"train.py": CODE}, {"train.py": CODE.replace(old, new)})
    assert change.only_comments


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("train.py", CODE, CODE.replace("0.1", "0.2")),
        ("train.py", "print('one')\n", "print('two')\n"),
        ("train.py", "broken = = 1\n", "broken = = 1  # still\n"),
        ("train.py", "a = 1\n", "a = 1  # \0\n"),
        ("requirements.txt", "torch  # one\n", "torch  # two\n"),
    ],
    ids=["value", "text that is used", "no Python", "null byte", "no Python file"],
)
def test_what_may_do_something_else_is_more_than_comments(
    tmp_path: Path, path: str, before: str, after: str
) -> None:
    (change,) = changed(tmp_path, {path: before}, {path: after})
    assert not change.only_comments


def test_a_file_that_is_not_text_changes_without_lines(tmp_path: Path) -> None:
    assert changed(tmp_path, {"model.bin": b"\xff\x00"}, {"model.bin": b"\xff\x01"}) == [
        FileChange("model.bin", "changed")
    ]


def test_assets_with_a_path_in_common_do_not_hide_each_others_change(tmp_path: Path) -> None:
    base = side(tmp_path / "base", {"main.py": b"a = 1\n"}, {"main.py": b"b = 1\n"})
    head = side(tmp_path / "head", {"main.py": b"a = 2\nc = 3\n"}, {"main.py": b"b = 1\n"})
    assert code_changes(base, head) == (FileChange("main.py", "changed", lines_added=2, lines_removed=1),)


def test_an_asset_that_is_a_folder_is_read_too(tmp_path: Path) -> None:
    sides = []
    for name, files in (("base", []), ("head", ["lambda/index.py"])):
        made = small_side(tmp_path / name, {"nunchi-dev-training": {}}, assets=[b""])
        (asset,) = made.assembly.glob("asset.*")
        asset.unlink()
        asset.mkdir()
        for file in files:
            (asset / file).parent.mkdir()
            (asset / file).write_text("a = 1\n")
        sides.append(made)
    assert code_changes(*sides) == (FileChange("lambda/index.py", "added", lines_added=1),)


def test_the_archive_of_a_real_synthesis_is_read(assembly: Path, tmp_path: Path) -> None:
    """All of it is new to an assembly that has no code."""
    changes = code_changes(side(tmp_path / "base"), Side("head", tmp_path, assembly))
    assert {(change.path, change.kind) for change in changes} >= {
        ("train.py", "added"),
        ("inference_code/inference.py", "added"),
    }
