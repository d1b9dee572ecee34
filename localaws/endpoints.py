"""Endpoints: traffic moves to a new model server once that one serves, never before."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ministack.core.concurrency import spawn_background
from ministack.core.responses import new_uuid

from localaws import guardrails, jobs
from localaws.api import ApiError, Json, invalid, operation
from localaws.endpoint_configs import endpoint_configs
from localaws.jobs import REASON_LENGTH
from localaws.logs import LogStream
from localaws.models import models
from localaws.resources import Collection, now
from localaws.serverless import Instances
from localaws.serving import START_SECONDS, ModelServer, StartError

logger = logging.getLogger(__name__)

SERVERLESS_START_SECONDS = 180
DRAIN_SECONDS = SERVERLESS_START_SECONDS + 60  # as long as a request may take

endpoints = Collection("Endpoint")
_traffic = threading.Lock()


class ThrottledError(Exception):
    """More requests at a time than a serverless endpoint takes; the message says how many that is."""


class Deployment:
    """An endpoint configuration, in service."""

    def __init__(self, endpoint: str, config: Json) -> None:
        """Bring up its model server, or a StartError."""
        self.config, self._endpoint = config, endpoint
        [self.variant] = config["ProductionVariants"]
        self.busy = 0  # requests in flight
        # Of now: the model may be deleted as soon as another one serves, while this one still has requests.
        self._source = models.get(self.variant["ModelName"])["source"]
        self.server: ModelServer | Instances
        if serverless := self.variant.get("ServerlessConfig"):
            self.server = Instances(self._start, serverless.get("ProvisionedConcurrency", 0))
        else:
            self.server = self._start()

    def _start(self) -> ModelServer:
        name, serverless = self.variant["VariantName"], self.variant.get("ServerlessConfig", {})
        seconds = SERVERLESS_START_SECONDS if serverless else START_SECONDS
        return ModelServer(
            self._source,
            jobs.folder / "endpoint" / self._endpoint / new_uuid()[:8],
            LogStream(f"/aws/sagemaker/Endpoints/{self._endpoint}", f"{name}/i-{new_uuid()[-12:]}"),
            title=f"The primary container for production variant {name}",
            seconds=self.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", seconds),
            memory_mb=serverless.get("MemorySizeInMB"),
        )

    def describe(self, retained: Json) -> Json:
        """The variant as DescribeEndpoint tells it, with what of the one before is ``retained``."""
        variant = {"VariantName": self.variant["VariantName"]}
        if serverless := self.variant.get("ServerlessConfig"):
            properties = {"ServerlessConfig": serverless}
        else:
            properties = {"InstanceCount": self.variant["InitialInstanceCount"]}
        properties |= {"Weight": self.variant.get("InitialVariantWeight", 1.0)} | retained
        for name, value in properties.items():
            variant |= {f"Current{name}": value, f"Desired{name}": value}
        return variant


@contextmanager
def deployment_of(name: str) -> Iterator[Deployment]:
    """What takes the endpoint's requests, and does not stop meanwhile; an ApiError or a KeyError: nothing."""
    with _traffic:
        deployment: Deployment = endpoints.get(name)["deployment"]
        most = deployment.variant.get("ServerlessConfig", {}).get("MaxConcurrency")
        if most is not None and deployment.busy >= most:
            raise ThrottledError(f"The endpoint takes {most} requests at a time, and is at it")
        deployment.busy += 1
    try:
        yield deployment
    finally:
        with _traffic:
            deployment.busy -= 1


def _deploy(record: Json, config: Json, guard: Json, retained: Json) -> None:
    """Bring up a server for ``config`` and move the traffic to it; on failure the old one, if any, stays."""
    old: Deployment | None = record.get("deployment")
    try:
        new = Deployment(record["EndpointName"], config)
        if old and (alarms := guardrails.raised(guard)):
            new.server.stop()
            raise StartError(f"The update was rolled back: in ALARM: {', '.join(alarms)}")
    except Exception as error:
        logger.exception("endpoint %s", record["EndpointName"])
        reason = str(error) if isinstance(error, StartError | ApiError) else f"InternalServerError: {error!r}"
        status = "InService" if old else "Failed"
        record.update(FailureReason=reason[:REASON_LENGTH], EndpointStatus=status, LastModifiedTime=now())
        return
    with _traffic:
        record.update(
            deployment=new,
            ProductionVariants=[new.describe(retained)],
            EndpointConfigName=config["EndpointConfigName"],
            LastDeploymentConfig=guard,
            EndpointStatus="InService",
            LastModifiedTime=now(),
        )
    if old:
        deadline = time.monotonic() + DRAIN_SECONDS
        while old.busy and time.monotonic() < deadline:
            time.sleep(0.05)
        old.server.stop()


@operation("CreateEndpoint", f"EndpointName EndpointConfigName Tags Key Value {guardrails.MEMBERS}")
def _create_endpoint(request: Json) -> Json:
    config, guard = endpoint_configs.get(request["EndpointConfigName"]), request.get("DeploymentConfig", {})
    guardrails.check(guard)
    record = endpoints.add(request, EndpointStatus="Creating")
    spawn_background(_deploy, record, config, guard, {})
    return record


@operation(
    "UpdateEndpoint",
    f"""EndpointName EndpointConfigName RetainAllVariantProperties ExcludeRetainedVariantProperties
    VariantPropertyType RetainDeploymentConfig {guardrails.MEMBERS}""",
)
def _update_endpoint(request: Json) -> Json:
    config = endpoint_configs.get(request["EndpointConfigName"])
    with _traffic:
        record = _at_rest("update", request["EndpointName"])
        guard: Json = record["LastDeploymentConfig"] if request.get("RetainDeploymentConfig") else {}
        guard = request.get("DeploymentConfig", guard)
        guardrails.check(guard)
        retained = _retained(record, config, request)
        _check_instance_type(record, config)
        record.pop("FailureReason", None)
        record.update(EndpointStatus="Updating", LastModifiedTime=now())
    spawn_background(_deploy, record, config, guard, retained)
    return record


def _check_instance_type(record: Json, config: Json) -> None:
    """Refuse another instance type for a variant that is scaled automatically, as SageMaker does."""
    old, [new] = record["deployment"].variant, config["ProductionVariants"]
    if record.get("targets") and old.get("InstanceType") != new.get("InstanceType"):
        name = old["VariantName"]
        raise invalid(
            f"The variant {name} has a scalable target: its instance type cannot change before that goes"
        )


def _retained(record: Json, config: Json, request: Json) -> Json:
    """The desired instance count and weight that are to outlive the update."""
    [old], [new] = record["ProductionVariants"], config["ProductionVariants"]
    if not request.get("RetainAllVariantProperties") or old["VariantName"] != new["VariantName"]:
        return {}
    excluded = [item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])]
    kept = {"Weight"} | ({"InstanceCount"} if "InitialInstanceCount" in new else set())
    return {name: old[f"Desired{name}"] for name in kept if f"Desired{name}" in old.keys() - excluded}


@operation("DeleteEndpoint", "EndpointName")
def _delete_endpoint(request: Json) -> None:
    with _traffic:
        record = _at_rest("delete", request["EndpointName"])
        endpoints.delete(request)
    if deployment := record.get("deployment"):
        deployment.server.stop()


def _at_rest(verb: str, name: str) -> Json:
    record = endpoints.get(name)
    status = record["EndpointStatus"]
    if status in ("Creating", "Updating") or (verb == "update" and status == "Failed"):
        raise invalid(f'Cannot {verb} endpoint "{record["EndpointArn"]}" in status {status}.')
    return record
