"""S3 into folders, and folders into S3, as SageMaker moves them for a job."""

import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import ClientError

from localaws import aws


class TransferError(Exception):
    """Data that cannot be moved; the message names it."""


@contextmanager
def _s3(uri: str, what: str) -> Iterator[tuple[Any, str, str]]:
    """A client, and bucket and key of ``s3://bucket/key``; S3's errors become TransferErrors."""
    # Not urlparse: a key may hold ? and #.
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise TransferError(f"{uri!r} is not an S3 URI (s3://bucket/key)")
    try:
        yield aws.client("s3"), bucket, key
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
                _fetch(s3, bucket, key, folder, (rest if whole else key[prefix.rfind("/") + 1 :]).lstrip("/"))
                found = True
    if required and not found:
        raise TransferError(f"Data download failed: No S3 objects found under S3 URL {uri!r}")


def download_manifest(uri: str, folder: Path) -> str:
    """Download what a manifest names, each to the path that it has there; returns the manifest's prefix.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformS3DataSource.html
    """
    with _s3(uri, "download") as (s3, bucket, key):
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        first, *names = json.loads(text)
        prefix = first["prefix"]
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ValueError("names no objects")
    except (ValueError, TypeError, KeyError) as error:
        form = '[{"prefix": "s3://bucket/prefix/"}, "rest of a key", …]'
        raise TransferError(
            f"Data download failed: {uri} is no manifest, which is {form}: {error}"
        ) from error
    with _s3(prefix, "download") as (s3, bucket, start):
        for name in names:
            _fetch(s3, bucket, f"{start}{name}", folder, name)
    return str(prefix)


def _fetch(s3: Any, bucket: str, key: str, folder: Path, name: str) -> None:
    """Download an object to the path ``name`` in the folder."""
    file = folder / name
    if not file.is_relative_to(folder) or ".." in file.parts:
        raise TransferError(f"Data download failed: the key {key!r} leads out of its folder")
    file.parent.mkdir(parents=True, exist_ok=True)
    s3.download_file(bucket, key, str(file))


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
