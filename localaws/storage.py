"""S3 into folders, and folders into S3, as SageMaker moves them for a job."""

import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlparse

from boto3.exceptions import Boto3Error
from botocore.exceptions import ClientError

from localaws import aws


class TransferError(Exception):
    """Data that cannot be moved; the message names it."""


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    parts = urlparse(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise TransferError(f"{uri!r} is not an S3 URI (s3://bucket/key)")
    return parts.netloc, parts.path.removeprefix("/")


def download_prefix(uri: str, folder: Path) -> None:
    """Download every object whose key starts with that of ``uri``; what follows the prefix becomes its path.

    Raises:
        TransferError: no such bucket, or no object under the prefix.
    """
    bucket, prefix = split(uri)
    found = False
    try:
        for page in aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                key: str = item["Key"]
                if key.endswith("/"):
                    continue
                found = True
                rest = key.removeprefix(prefix)
                name = rest if prefix.endswith("/") or rest.startswith("/") else key[prefix.rfind("/") + 1 :]
                download(f"s3://{bucket}/{key}", _inside(folder, name.lstrip("/"), key))
    except ClientError as error:
        raise TransferError(f"Data download failed: {uri}: {error}") from error
    if not found:
        raise TransferError(f"Data download failed: No S3 objects found under S3 URL {uri!r}")


def download(uri: str, file: Path) -> None:
    """Download one object to ``file``.

    Raises:
        TransferError: there is no such object.
    """
    bucket, key = split(uri)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        aws.client("s3").download_file(bucket, key, str(file))
    except ClientError as error:
        raise TransferError(f"Data download failed: {uri}: {error}") from error


def upload_folder(folder: Path, uri: str) -> None:
    """Upload every file below ``folder``, its relative path after ``uri``."""
    bucket, prefix = split(uri)
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            name = f"{prefix.rstrip('/')}/{file.relative_to(folder).as_posix()}"
            upload(file, f"s3://{bucket}/{name.removeprefix('/')}")


def upload(file: Path, uri: str) -> None:
    """Upload one file.

    Raises:
        TransferError: the bucket does not take it.
    """
    bucket, key = split(uri)
    try:
        aws.client("s3").upload_file(str(file), bucket, key)
    except (ClientError, Boto3Error) as error:
        raise TransferError(f"Data upload failed: {uri}: {error}") from error


def upload_archive(folder: Path, uri: str) -> None:
    """Upload a ``.tar.gz`` whose root is the folder's contents."""
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
        with tarfile.open(archive.name, "w:gz", compresslevel=1) as tar:
            for item in sorted(folder.iterdir()):
                tar.add(item, arcname=item.name)
        upload(Path(archive.name), uri)


def exists(uri: str) -> bool:
    """Whether there is such an object."""
    bucket, key = split(uri)
    try:
        aws.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


def _inside(folder: Path, name: str, key: str) -> Path:
    if ".." in Path(name).parts:
        raise TransferError(f"Data download failed: the key {key!r} leads out of its folder")
    return folder / name
