"""Where ministack's S3 differs from S3 in what the CDK uses, put right."""

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

_their_headers = s3._resolve_sse_write_headers


def install() -> None:
    """Replace the function of ministack that differs."""
    s3._resolve_sse_write_headers = _with_default_key


def _with_default_key(headers: dict[str, str], bucket: str) -> Any:
    """``aws:kms`` without a key is encryption with the account's key for S3; ministack refuses it."""
    if headers.get("x-amz-server-side-encryption") == "aws:kms":
        key = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
        headers = {"x-amz-server-side-encryption-aws-kms-key-id": key, **headers}
    return _their_headers(headers, bucket)
