"""The SageMaker runtime: InvokeEndpoint."""

import json
from typing import Any

from ministack.core.concurrency import run_reentrant, spawn_background
from ministack.core.responses import get_account_id, get_region

from localaws import capture
from localaws.api import ApiError, HttpAnswer
from localaws.capture import Payload
from localaws.endpoints import ThrottledError, deployment_of
from localaws.serving import StartError

INVOKE_SECONDS = 60
PAYLOAD_BYTES, SERVERLESS_PAYLOAD_BYTES = 6 * 2**20, 4 * 2**20
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
FORWARDED = ("Content-Type", "Accept", CUSTOM_ATTRIBUTES)
# What the Hugging Face image answers for a process that was killed, and SageMaker for one that is stuck.
DIED_MESSAGE = '{"code": 500, "type": "InternalServerException", "message": "Worker died."}'
LATE_MESSAGE = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency "
    "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> HttpAnswer:
    """Answer one request; ministack calls this for what is signed for ``sagemaker`` and is not of its API."""
    parts = path.strip("/").split("/")
    if method != "POST" or len(parts) != 3 or (parts[0], parts[2]) != ("endpoints", "invocations"):
        return _error(400, "UnknownOperationException", f"localaws does not implement {method} {path}")
    for key in headers:
        if key.startswith("x-amzn-sagemaker-") and key != CUSTOM_ATTRIBUTES.lower():
            return _error(400, "ValidationError", f"localaws does not implement {key} of InvokeEndpoint")
    return await run_reentrant(_invoke, parts[1], headers, body)  # type: ignore[no-any-return]


def _invoke(name: str, headers: dict[str, str], body: bytes) -> HttpAnswer:
    forwarded = {key: headers[key.lower()] for key in FORWARDED if key.lower() in headers}
    try:
        with deployment_of(name) as deployment:
            serverless = "ServerlessConfig" in deployment.variant
            most = SERVERLESS_PAYLOAD_BYTES if serverless else PAYLOAD_BYTES
            if len(body) > most:
                return _error(413, "413", f"HTTP content length exceeded {most} bytes.")
            answer = deployment.server.request("POST", "/invocations", body, forwarded, INVOKE_SECONDS)
            status, text = answer.status, answer.body.decode(errors="replace")
    except ThrottledError as error:
        return _error(429, "ThrottlingException", str(error))
    except (ApiError, KeyError):
        return _error(400, "ValidationError", f"Endpoint {name} of account {get_account_id()} not found.")
    except StartError as error:
        status, text = 500, str(error)
    except TimeoutError:
        status, text = 0, LATE_MESSAGE
    except OSError:
        status, text = 500, DIED_MESSAGE
    if status == 200:
        variant, config = deployment.variant["VariantName"], deployment.config.get("DataCaptureConfig")
        kind = answer.headers.get("Content-Type", "")
        if config and capture.due(config):
            asked = Payload(headers.get("content-type", ""), body)
            spawn_background(capture.keep, config, name, variant, asked, Payload(kind, answer.body))
        returned = {"Content-Type": kind, "x-Amzn-Invoked-Production-Variant": variant}
        if CUSTOM_ATTRIBUTES in answer.headers:
            returned[CUSTOM_ATTRIBUTES] = answer.headers[CUSTOM_ATTRIBUTES]
        return 200, returned, answer.body
    group, blamed = f"/aws/sagemaker/Endpoints/{name}", "client" if 400 <= status < 500 else "server"
    return _error(
        424,
        "ModelError",
        f'Received {blamed} error ({status}) from primary with message "{text}". '
        f"See the CloudWatch Logs group {group} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=text,
        LogStreamArn=f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}",
    )


def _error(status: int, code: str, message: str, **members: Any) -> HttpAnswer:
    body = json.dumps({"message": message, "Message": message, **members}, ensure_ascii=False)
    return status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, body.encode()
