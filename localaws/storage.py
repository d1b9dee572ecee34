"""S3 into folders, and folders into S3, as SageMaker moves them for a job."""

import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from boto3.exceptions import Boto3Error
from botocore.exceptions import ClientError

from localaws import aws


class TransferError(Exception):
    """Data that cannot be moved; the message names it."""


@contextmanager
def _s3(uri: str, what: str) -> Iterator[tuple[Any, str, str]]:
    """A client, and bucket and key of ``s3://bucket/key``; S3's errors become TransferErrors."""
    parts = urlparse(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise TransferError(f"{uri!r} is not an S3 URI (s3://bucket/key)")
    try:
        yield aws.client("s3"), parts.netloc, parts.path.removeprefix("/")
    except (ClientError, Boto3Error) as error:
        raise TransferError(f"Data {what} failed: {uri}: {error}") from error


def download(uri: str, folder: Path, *, required: bool = True) -> None:
    """Download every object whose key starts with that of ``uri``, to the path that follows it."""
    found = False
    with _s3(uri, "download") as (s3, bucket, prefix):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for key in (item["Key"] for item in page.get("Contents", []) if not item["Key"].endswith("/")):
                rest = key.removeprefix(prefix)
                whole = prefix.endswith("/") or rest.startswith("/")
                file = folder / (rest if whole else key[prefix.rfind("/") + 1 :]).lstrip("/")
                if ".." in file.parts:
                    raise TransferError(f"Data download failed: the key {key!r} leads out of its folder")
                file.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, key, str(file))
                found = True
    if required and not found:
        raise TransferError(f"Data download failed: No S3 objects found under S3 URL {uri!r}")


def extract(archive: Path, folder: Path) -> None:
    """Extract a ``.tar.gz`` of files and folders; a TransferError names a member that is anything else.

    SageMaker takes links that stay inside. Here they are refused with all else that can lead out: no archive
    of ours has one.
    """
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter=_plain)  # noqa: S202 (the filter refuses what could lead out)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise TransferError(str(error)) from error


def _plain(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise TransferError(f"{member.name!r} in it leads out of its folder")
    if not (member.isfile() or member.isdir()):
        kind = "a link" if member.issym() or member.islnk() else "a device or a pipe"
        raise TransferError(f"{member.name!r} in it is {kind}; pack files and folders only")
    return tarfile.data_filter(member, folder)


def upload_folder(folder: Path, uri: str) -> None:
    """Upload every file below ``folder``, its relative path after ``uri``."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            upload(file, f"{uri.rstrip('/')}/{file.relative_to(folder).as_posix()}")


def upload_archive(folder: Path, uri: str) -> None:
    """Upload a ``.tar.gz`` whose root is the folder's contents."""
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
        with tarfile.open(archive.name, "w:gz", compresslevel=1) as tar:
            for item in sorted(folder.iterdir()):
                tar.add(item, arcname=item.name)
        upload(Path(archive.name), uri)


def upload(file: Path, uri: str) -> None:
    """Upload one file."""
    with _s3(uri, "upload") as (s3, bucket, key):
        s3.upload_file(str(file), bucket, key)


def put(body: bytes, uri: str) -> None:
    """Upload one object."""
    with _s3(uri, "upload") as (s3, bucket, key):
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def require(uri: str) -> None:
    """Raise a TransferError unless there is such an object."""
    with _s3(uri, "access") as (s3, bucket, key):
        s3.head_object(Bucket=bucket, Key=key)
