"""Deterministic code archives: the same files give the same bytes, on any machine.

An archive that carried times, owners or `__pycache__` would show up as a change in every review.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class CodeArchive:
    """A `sourcedir.tar.gz` in the CDK's asset bucket."""

    s3_uri: str
    s3_object_arn: str
    bucket_arn: str
    file_name: str
    """Last part of its URI."""


def training_archive(scope: Construct, *, tracked: bool) -> CodeArchive:
    """The training code with the inference code beside it, which goes into every model archive.

    A training job that is `tracked` installs MLflow's client before it begins.
    """
    parts = {"": ROOT / "training_code", "inference_code": ROOT / "inference_code"}
    if tracked:
        # The training toolkit installs what a file of this name says.
        parts["requirements.txt"] = ROOT / "training_code" / "mlflow-requirements.txt"
    data = pack(parts)
    # Of the tar, not of the gzip: zlib's bytes differ from one machine to the next.
    digest = hashlib.sha256(data).hexdigest()
    path = ROOT / "build" / "archives" / f"{digest}.tar.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two syntheses may run side by side: each writes its own file, and the rename is atomic.
        partial = path.with_name(f"{digest}.{os.getpid()}")
        partial.write_bytes(gzip.compress(data, mtime=0))
        partial.replace(path)
    asset = Asset(
        scope, "TrainingCode", path=str(path), asset_hash=digest, asset_hash_type=AssetHashType.CUSTOM
    )
    return CodeArchive(
        s3_uri=asset.s3_object_url,
        s3_object_arn=f"{asset.bucket.bucket_arn}/{asset.s3_object_key}",
        bucket_arn=asset.bucket.bucket_arn,
        file_name=asset.s3_object_key,
    )


def pack(parts: dict[str, Path]) -> bytes:
    """A tar of `parts` (path in the archive → file or folder), sorted, without times or owners."""
    files = sorted(
        (str(Path(name, file.relative_to(part))), file)
        for name, part in parts.items()
        for file in (part, *part.rglob("*"))
        if file.is_file() and not any(map(_left_by_a_tool, file.relative_to(part).parts))
    )
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, file in files:
            member = tarfile.TarInfo(name)
            content = file.read_bytes()
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def _left_by_a_tool(name: str) -> bool:
    return name == "__pycache__" or name.startswith(".")
