"""Real-time endpoints: traffic moves to a new model server once that one serves, never before."""

import contextvars
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from localaws.api import Answer, Request, invalid, operation, takes
from localaws.jobs import REASON_LENGTH
from localaws.models import endpoint_configs
from localaws.resources import Collection, Record, now
from localaws.serving import ModelServer, StartError

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 60  # as long as a request may take

endpoints = Collection(
    "endpoint",
    "Endpoint",
    missing='Could not find endpoint "{arn}".',
    exists='Cannot create already existing endpoint "{arn}".',
)
# What we do is blue/green, all at once, without alarms; more is refused.
DEPLOYMENT = takes(
    "", BlueGreenUpdatePolicy=takes("", TrafficRoutingConfiguration=takes("", Type="ALL_AT_ONCE"))
)
_traffic = threading.Lock()


@contextmanager
def server_of(name: str) -> Iterator[ModelServer]:
    """The model server that takes the endpoint's requests, which does not stop meanwhile.

    Raises:
        ApiError: there is no such endpoint.
        KeyError: it has no server (yet).
    """
    with _traffic:
        server: ModelServer = endpoints.get(name)["server"]
        server.busy += 1
    try:
        yield server
    finally:
        with _traffic:
            server.busy -= 1


def _deploy(record: Record, config: Record) -> None:
    """Bring up a server for ``config`` and move the traffic to it; on failure the old one, if any, stays."""
    old: ModelServer | None = record.get("server")
    try:
        server = ModelServer(record["EndpointName"], config)
    except Exception as error:
        reason = str(error)
        if not isinstance(error, StartError):
            logger.exception("endpoint %s", record["EndpointName"])
            reason = f"InternalServerError: {error!r}"
        status = "InService" if old else "Failed"
        record.update(FailureReason=reason[:REASON_LENGTH], EndpointStatus=status, LastModifiedTime=now())
        return
    weight = float(server.variant.get("InitialVariantWeight", 1))
    count = server.variant["InitialInstanceCount"]
    variant = {"VariantName": server.variant["VariantName"], "CurrentWeight": weight, "DesiredWeight": weight}
    variant |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
    with _traffic:
        record.update(
            server=server,
            EndpointConfigName=config["EndpointConfigName"],
            ProductionVariants=[variant],
            EndpointStatus="InService",
            LastModifiedTime=now(),
        )
    if old:
        deadline = time.monotonic() + DRAIN_SECONDS
        while old.busy and time.monotonic() < deadline:
            time.sleep(0.05)
        old.stop()


def _deploy_in_background(record: Record, config: Record) -> Answer:
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(_deploy, record, config), daemon=True).start()
    return {"EndpointArn": record["EndpointArn"]}


@operation("CreateEndpoint", takes("EndpointName EndpointConfigName Tags", DeploymentConfig=DEPLOYMENT))
def create_endpoint(request: Request) -> Answer:
    """sagemaker:CreateEndpoint."""
    config = endpoint_configs.get(request["EndpointConfigName"])
    return _deploy_in_background(endpoints.add(request, EndpointStatus="Creating"), config)


@operation(
    "UpdateEndpoint",
    # There is one instance: there are no variant properties to retain.
    takes("EndpointName EndpointConfigName RetainAllVariantProperties", DeploymentConfig=DEPLOYMENT),
)
def update_endpoint(request: Request) -> Answer:
    """sagemaker:UpdateEndpoint."""
    config = endpoint_configs.get(request["EndpointConfigName"])
    record = _at_rest("update", request["EndpointName"])
    record.pop("FailureReason", None)
    record.update(EndpointStatus="Updating", LastModifiedTime=now())
    return _deploy_in_background(record, config)


@operation("DeleteEndpoint", takes("EndpointName"))
def delete_endpoint(request: Request) -> Answer:
    """sagemaker:DeleteEndpoint."""
    record = _at_rest("delete", request["EndpointName"])
    endpoints.remove(record)
    if server := record.get("server"):
        server.stop()
    return {}


def _at_rest(verb: str, name: str) -> Record:
    record = endpoints.get(name)
    status = record["EndpointStatus"]
    if status in ("Creating", "Updating") or (verb == "update" and status == "Failed"):
        raise invalid(f'Cannot {verb} endpoint "{record["EndpointArn"]}" in status {status}.')
    return record
