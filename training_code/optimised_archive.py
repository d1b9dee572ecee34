"""The archive of an optimised model: what it holds, and nothing else."""

import gzip
import shutil
import tarfile
from pathlib import Path

import onnxruntime

# What of the package serves. The library for programs in C, which is most of the rest, is not needed.
_ONNX_RUNTIME = (
    "LICENSE",
    "ThirdPartyNotices.txt",
    "__init__.py",
    "capi/*.py",
    "capi/*.so",
)


def complete(trained: Path, folder: Path) -> None:
    """Add to the model in `folder` what it is served with, and the configuration of the trained one."""
    patterns = ("config.json", "tokenizer.json", "tokenizer_config.json", "code/*.py")
    _copy(trained, patterns, folder)
    # The job's image is the one that serves, so this is for its Python; there, nothing may be installed.
    _copy(Path(onnxruntime.__file__).parent, _ONNX_RUNTIME, folder / "code" / "vendor" / "onnxruntime")


def _copy(source: Path, patterns: tuple[str, ...], target: Path) -> None:
    for pattern in patterns:
        for path in source.glob(pattern):
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def pack(folder: Path, archive: Path) -> None:
    """Write the folder's files as a tar.gz: the same files give the same bytes."""
    with (
        archive.open("wb") as raw,
        # More takes twice the time for a thousandth of the size.
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                tar.addfile(member, file)
