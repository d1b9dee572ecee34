"""Which files of the code assets changed: what the jobs and the endpoints run."""

from __future__ import annotations

import ast
import difflib
import tarfile
from collections.abc import Iterator
from pathlib import Path

from review.assembly import read
from review.model import FileChange, Side


def code_changes(base: Side, head: Side) -> tuple[FileChange, ...]:
    """The files that were added, removed or changed, by their paths in the assets."""
    before, after = dict(_files(base.assembly)), dict(_files(head.assembly))
    changes = {
        _change(path, before.get((asset, path)), after.get((asset, path)))
        for asset, path in {**before, **after}
        if before.get((asset, path)) != after.get((asset, path))
    }
    return tuple(sorted(changes, key=lambda change: change.path))


def _files(assembly: Path) -> Iterator[tuple[tuple[str, str], bytes]]:
    """Asset and path, and content, of every file of the code assets."""
    for stack in read(assembly).stacks:
        for name, place in stack.assets.items():
            if place.is_dir():
                for path in place.rglob("*"):
                    if path.is_file():
                        yield (name, path.relative_to(place).as_posix()), path.read_bytes()
            else:
                with tarfile.open(place) as archive:
                    for member in archive:
                        if content := archive.extractfile(member):
                            yield (name, member.name), content.read()


def _change(path: str, before: bytes | None, after: bytes | None) -> FileChange:
    added, removed = _lines(before or b"", after or b"")
    if before is None:
        return FileChange(path, "added", added, removed)
    if after is None:
        return FileChange(path, "removed", added, removed)
    return FileChange(path, "changed", added, removed, path.endswith(".py") and _do_the_same(before, after))


def _lines(before: bytes, after: bytes) -> tuple[int, int]:
    """How many lines were added and removed; none of a file that is not text."""
    try:
        old, new = (content.decode("utf-8").splitlines(keepends=True) for content in (before, after))
    except UnicodeDecodeError:
        return 0, 0
    added = removed = 0
    for tag, old_start, old_end, new_start, new_end in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag != "equal":
            added, removed = added + new_end - new_start, removed + old_end - old_start
    return added, removed


def _do_the_same(before: bytes, after: bytes) -> bool:
    try:
        return _does(before) == _does(after)
    except (SyntaxError, ValueError):
        # No Python that this one knows.
        return False


def _does(source: bytes) -> str:
    """What Python code does, without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [one for one in body if not _is_text(one)]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
