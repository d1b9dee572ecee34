"""A folder that is kept in S3 while a job runs, so that the next one can go on where this one ended."""

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ministack.core.concurrency import spawn_background

from localaws import storage

SECONDS = 1.0  # between two looks at the folder

Stamp = tuple[int, int]  # size and time of the last change


@contextmanager
def kept(folder: Path, uri: str) -> Iterator[None]:
    """Download what is under ``uri``; upload what changes in the folder, and the rest of it at the end.

    What is removed from the folder stays in S3.
    """
    uri = uri.rstrip("/") + "/"
    folder.mkdir(parents=True, exist_ok=True)
    storage.download(uri, folder, required=False)
    uploaded, ended = _look(folder), threading.Event()

    def follow() -> None:
        before: dict[Path, Stamp] = {}
        while not ended.wait(SECONDS):
            now = _look(folder)
            # A file that has not changed since the last look is complete, as far as one can tell.
            settled = {file: stamp for file, stamp in now.items() if before.get(file) == stamp}
            with contextlib.suppress(storage.TransferError):  # the next look tries again
                _upload(settled, uploaded, folder, uri)
            before = now

    following = spawn_background(follow)
    try:
        yield
    finally:
        ended.set()
        following.join()
        _upload(_look(folder), uploaded, folder, uri)


def _look(folder: Path) -> dict[Path, Stamp]:
    found: dict[Path, Stamp] = {}
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # gone already
            if path.is_file():
                found[path] = _stamp(path.stat())
    return found


def _stamp(stat: os.stat_result) -> Stamp:
    return stat.st_size, stat.st_mtime_ns


def _upload(files: dict[Path, Stamp], uploaded: dict[Path, Stamp], folder: Path, uri: str) -> None:
    """Upload those that are not uploaded yet as they are now."""
    for file, stamp in files.items():
        if uploaded.get(file) == stamp:
            continue
        # From a copy: an upload of the file itself could meet a writer halfway.
        with tempfile.NamedTemporaryFile() as copy, contextlib.suppress(FileNotFoundError):
            shutil.copyfile(file, copy.name)
            if _stamp(file.stat()) == stamp:
                storage.upload(Path(copy.name), uri + file.relative_to(folder).as_posix())
                uploaded[file] = stamp
