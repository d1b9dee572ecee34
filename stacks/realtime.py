"""The real-time endpoint: it scales with its load, keeps some of its requests, takes bad models back."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks import instances, prefixes
from stacks.acknowledgements import acknowledge, in_every_pack
from stacks.alarms import make_alarm
from stacks.endpoint import Endpoint
from stacks.endpoint_metrics import invocation_metric
from stacks.served_model import ServedModel
from stacks.settings import RealtimeSettings, Settings
from stacks.storage import Storage

# More than both waits together, which are at most an hour each.
_LONGEST_DEPLOYMENT = 4 * 3600

ERROR_PERCENT = 1
"""Share of requests that fail by our fault above which the alarm rings."""


def guarding_alarms(settings: Settings) -> list[str]:
    """Names of the alarms that take a bad model back."""
    names = ("endpoint-errors", "endpoint-latency") if settings.serving.realtime else ()
    return [settings.name(name) for name in names]


class Realtime(Construct):
    """The endpoint `nunchi-<environment>` with the alarms that guard its deployments."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        realtime: RealtimeSettings,
        storage: Storage,
        model: ServedModel,
        topic_arn: str,
    ) -> None:
        """Build the endpoint."""
        super().__init__(scope, "Realtime")
        scales = realtime.max_instances > realtime.min_instances
        alarms = self._alarms(settings, realtime, topic_arn)
        has_disks = instances.has_local_storage(realtime.instance_type)
        endpoint = Endpoint(
            self,
            "Endpoint",
            name=settings.endpoint_name,
            settings=settings,
            storage=storage,
            model=model,
            variant={
                "instanceType": realtime.instance_type,
                "initialInstanceCount": realtime.min_instances,
            },
            deployment=_guardrails(realtime, alarms),
            keep_scale=scales,
            data_capture_config=_data_capture(settings, storage),
            kms_key_id=None if has_disks else storage.key_arn,
        )
        if has_disks:
            acknowledge(
                endpoint,
                in_every_pack(
                    "SageMakerEndpointConfigurationKMSKeyConfigured",
                    "The disks of such an instance encrypt themselves, and SageMaker refuses a key for them",
                ),
            )
        if scales:
            endpoint.scale(
                "DesiredInstanceCount",
                least=realtime.min_instances,
                most=realtime.max_instances,
                policy={
                    "predefinedMetricSpecification": {
                        "predefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                    },
                    "targetValue": realtime.invocations_per_instance,
                    "scaleInCooldown": realtime.scale_in_cooldown_seconds,
                    "scaleOutCooldown": realtime.scale_out_cooldown_seconds,
                },
            )

    def _alarms(
        self, settings: Settings, realtime: RealtimeSettings, topic_arn: str
    ) -> list[cloudwatch.CfnAlarm]:
        name = settings.endpoint_name
        errors, latency = guarding_alarms(settings)
        return [
            make_alarm(
                self,
                "Errors",
                name=errors,
                description=f"More than {ERROR_PERCENT} % of the requests to {name} fail by our fault (5xx)."
                f" See the log group /aws/sagemaker/Endpoints/{name}.",
                metrics={
                    "errors": invocation_metric(name, "Invocation5XXErrors", "Sum"),
                    "invocations": invocation_metric(name, "Invocations", "Sum"),
                },
                expression="IF(invocations > 0, 100 * errors / invocations, 0)",
                threshold=ERROR_PERCENT,
                actions=[topic_arn],
            ),
            make_alarm(
                self,
                "Latency",
                name=latency,
                description=f"The slowest hundredth of the requests to {name} takes the model more than"
                f" {realtime.max_latency_ms} ms. See CPU and invocations on the dashboard.",
                # In microseconds.
                metrics={"latency": invocation_metric(name, "ModelLatency", "p99")},
                threshold=realtime.max_latency_ms * 1000,
                periods=3,
                actions=[topic_arn],
            ),
        ]


def _guardrails(realtime: RealtimeSettings, alarms: list[cloudwatch.CfnAlarm]) -> dict[str, Any]:
    """New instances beside the old ones; an alarm while both are there brings the old ones back.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
    """
    routing: dict[str, Any] = {"type": "ALL_AT_ONCE", "waitIntervalInSeconds": realtime.bake_seconds}
    if realtime.canary_percent:
        size = {"type": "CAPACITY_PERCENT", "value": realtime.canary_percent}
        routing = {**routing, "type": "CANARY", "canarySize": size}
    return {
        "autoRollbackConfiguration": {"alarms": [{"alarmName": alarm.ref} for alarm in alarms]},
        "blueGreenUpdatePolicy": {
            "trafficRoutingConfiguration": routing,
            "terminationWaitInSeconds": realtime.bake_seconds,
            "maximumExecutionTimeoutInSeconds": _LONGEST_DEPLOYMENT,
        },
    }


def _data_capture(settings: Settings, storage: Storage) -> dict[str, Any] | None:
    percent = settings.serving.data_capture_percent
    if not percent:
        return None
    return {
        "enableCapture": True,
        "initialSamplingPercentage": percent,
        "destinationS3Uri": f"s3://{storage.artifacts}/{prefixes.CAPTURES}",
        "kmsKeyId": storage.key_arn,
        "captureOptions": [{"captureMode": "Input"}, {"captureMode": "Output"}],
        # Anything else is kept in Base64.
        "captureContentTypeHeader": {
            "jsonContentTypes": ["application/json", "application/jsonlines"],
            "csvContentTypes": ["text/csv"],
        },
    }
