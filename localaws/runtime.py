"""The SageMaker runtime: InvokeEndpoint."""

import json
from typing import Any

from ministack.core.concurrency import run_reentrant, spawn_background
from ministack.core.responses import get_account_id, get_region

from localaws import capture
from localaws.api import ApiError, HttpAnswer
from localaws.capture import Payload
from localaws.endpoints import ThrottledError, deployment_of

INVOKE_SECONDS = 60
FORWARDED = ("content-type", "accept", "x-amzn-sagemaker-custom-attributes")


async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> HttpAnswer:
    """Answer one request; ministack calls this for what is signed for ``sagemaker`` and is not of its API."""
    parts = path.strip("/").split("/")
    if method != "POST" or len(parts) != 3 or (parts[0], parts[2]) != ("endpoints", "invocations"):
        return _error(400, "UnknownOperationException", f"localaws does not implement {method} {path}")
    for key in headers:
        if key.startswith("x-amzn-sagemaker-") and key not in FORWARDED:
            return _error(400, "ValidationError", f"localaws does not implement {key} of InvokeEndpoint")
    return await run_reentrant(_invoke, parts[1], headers, body)  # type: ignore[no-any-return]


def _invoke(name: str, headers: dict[str, str], body: bytes) -> HttpAnswer:
    forwarded = {key: headers[key] for key in FORWARDED if key in headers}
    try:
        with deployment_of(name) as deployment:
            status, kind, answer = deployment.server.request(
                "POST", "/invocations", body, forwarded, INVOKE_SECONDS
            )
    except ThrottledError as error:
        return _error(429, "ThrottlingException", str(error))
    except (ApiError, KeyError):
        return _error(400, "ValidationError", f"Endpoint {name} of account {get_account_id()} not found.")
    except OSError as error:
        status, kind, answer = 500, "text/plain", f"the model server does not answer: {error}".encode()
    if status == 200:
        variant, config = deployment.variant["VariantName"], deployment.config.get("DataCaptureConfig")
        if config and capture.due(config):
            asked = Payload(headers.get("content-type", ""), body)
            spawn_background(capture.keep, config, name, variant, asked, Payload(kind, answer))
        return 200, {"Content-Type": kind, "x-Amzn-Invoked-Production-Variant": variant}, answer
    text, group = answer.decode(errors="replace"), f"/aws/sagemaker/Endpoints/{name}"
    return _error(
        424,
        "ModelError",
        f"Received {'client' if status < 500 else 'server'} error ({status}) from primary with message "
        f'"{text}". See the CloudWatch Logs group {group} for more information.',
        OriginalStatusCode=status,
        OriginalMessage=text,
        LogStreamArn=f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}",
    )


def _error(status: int, code: str, message: str, **members: Any) -> HttpAnswer:
    body = json.dumps({"message": message, "Message": message, **members}, ensure_ascii=False)
    return status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, body.encode()
