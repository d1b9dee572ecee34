"""Who and where this AWS is, and boto3 clients that speak to it."""

import os
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from ministack.core.responses import get_account_id, get_region

ACCOUNT = "000000000000"
REGION = "ap-northeast-2"


def here() -> tuple[str, str, str]:
    """In the server: its URL, and account and region of the request that is being answered."""
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}", get_account_id(), get_region()


def environment(url: str, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
    """The variables that point an AWS SDK, the AWS CLI or the CDK at ``url``.

    ministack takes a 12-digit access key for the account. The configuration and credentials files are pointed
    at nothing, so that no profile of the person's own can send a request to a real account.
    """
    # Either spelling may be the one that counts, so both say the same.
    direct = ",".join(filter(None, [os.environ.get("no_proxy"), os.environ.get("NO_PROXY"), "127.0.0.1"]))
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "localaws",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DEFAULT_ACCOUNT": account,
        "CDK_DEFAULT_REGION": region,
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def client(service: str) -> Any:
    """In the server: a boto3 client for ``service`` that speaks to it."""
    return client_to(service, *here())


@cache
def client_to(service: str, url: str, account: str = ACCOUNT, region: str = REGION) -> Any:
    """A boto3 client that reads no configuration of the machine, uses no proxy, and does not retry."""
    return boto3.session.Session().client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="localaws",  # noqa: S106 (no secret: nothing checks it)
        config=Config(
            proxies={}, retries={"total_max_attempts": 1}, read_timeout=900, max_pool_connections=50
        ),
    )
