"""Real-time endpoints: traffic moves to a new model server once that one serves, never before."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ministack.core.concurrency import spawn_background

from localaws.api import Json, invalid, operation
from localaws.jobs import REASON_LENGTH
from localaws.models import endpoint_configs
from localaws.resources import Collection, now
from localaws.serving import ModelServer, StartError

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 60  # as long as a request may take

endpoints = Collection("Endpoint")
_traffic = threading.Lock()


@contextmanager
def server_of(name: str) -> Iterator[ModelServer]:
    """The model server that takes the endpoint's requests, and does not stop meanwhile; or a KeyError."""
    with _traffic:
        server: ModelServer = endpoints.get(name)["server"]
        server.busy += 1
    try:
        yield server
    finally:
        with _traffic:
            server.busy -= 1


def _deploy(record: Json, config: Json) -> None:
    """Bring up a server for ``config`` and move the traffic to it; on failure the old one, if any, stays."""
    old: ModelServer | None = record.get("server")
    try:
        server = ModelServer(record["EndpointName"], config)
    except Exception as error:
        logger.exception("endpoint %s", record["EndpointName"])
        reason = str(error) if isinstance(error, StartError) else f"InternalServerError: {error!r}"
        status = "InService" if old else "Failed"
        record.update(FailureReason=reason[:REASON_LENGTH], EndpointStatus=status, LastModifiedTime=now())
        return
    name = config["EndpointConfigName"]
    with _traffic:
        record.update(
            server=server, EndpointConfigName=name, EndpointStatus="InService", LastModifiedTime=now()
        )
    if old:
        deadline = time.monotonic() + DRAIN_SECONDS
        while old.busy and time.monotonic() < deadline:
            time.sleep(0.05)
        old.stop()


@operation("CreateEndpoint", "EndpointName EndpointConfigName")
def _create_endpoint(request: Json) -> Json:
    config = endpoint_configs.get(request["EndpointConfigName"])
    record = endpoints.add(request, EndpointStatus="Creating")
    spawn_background(_deploy, record, config)
    return record


# There is one instance: there are no variant properties to retain.
@operation("UpdateEndpoint", "EndpointName EndpointConfigName RetainAllVariantProperties")
def _update_endpoint(request: Json) -> Json:
    config = endpoint_configs.get(request["EndpointConfigName"])
    with _traffic:
        record = _at_rest("update", request["EndpointName"])
        record.pop("FailureReason", None)
        record.update(EndpointStatus="Updating", LastModifiedTime=now())
    spawn_background(_deploy, record, config)
    return record


@operation("DeleteEndpoint", "EndpointName")
def _delete_endpoint(request: Json) -> None:
    with _traffic:
        record = _at_rest("delete", request["EndpointName"])
        endpoints.delete(request)
    if server := record.get("server"):
        server.stop()


def _at_rest(verb: str, name: str) -> Json:
    record = endpoints.get(name)
    status = record["EndpointStatus"]
    if status in ("Creating", "Updating") or (verb == "update" and status == "Failed"):
        raise invalid(f'Cannot {verb} endpoint "{record["EndpointArn"]}" in status {status}.')
    return record
