"""What the archives hold: files that lead nowhere else, and that are not run when they are read."""

import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

MAGIC = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How torch.save's files begin, and pickles of each protocol."""

LOAD = """
import sys

def refuse(event, arguments):
    if event in ("pickle.find_class", "socket.connect"):
        raise RuntimeError(f"{event} {arguments}")

sys.path.insert(0, sys.argv[1] + "/code")
import inference
sys.addaudithook(refuse)
inference.model_fn(sys.argv[1])
"""


def test_an_archive_has_files_and_folders_within_itself(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            assert member.isfile() or member.isdir(), member
            path = PurePosixPath(member.name)
            assert not path.is_absolute() and ".." not in path.parts, member


def test_an_archive_has_no_pickle(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            if file := tar.extractfile(member):
                assert not file.read(4).startswith(MAGIC), member


def test_loading_an_archive_unpickles_nothing_and_calls_nobody(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    subprocess.run([sys.executable, "-c", LOAD, str(tmp_path)], check=True)
