"""An endpoint, real-time or serverless: its configuration, its log, and how it scales."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.endpoint_metrics import VARIANT
from stacks.log_group import make_log_group
from stacks.served_model import ServedModel
from stacks.settings import Settings
from stacks.storage import Storage


class Endpoint(Construct):
    """An endpoint of one variant around the served model."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        settings: Settings,
        storage: Storage,
        model: ServedModel,
        variant: dict[str, Any],
        deployment: dict[str, Any] | None = None,
        keep_scale: bool = False,
        **configuration: Any,
    ) -> None:
        """Build the endpoint `name`.

        Args:
            scope: the stack.
            construct_id: the construct's id in it.
            name: physical name: its callers' address.
            settings: of the environment.
            storage: whose key encrypts the log.
            model: what it serves.
            variant: the production variant, but for its name, model and weight.
            deployment: `DeploymentConfig`, how it changes from one model to the next.
            keep_scale: whether a change keeps the number of instances that scaling chose.
            configuration: the rest of the endpoint configuration.
        """
        super().__init__(scope, construct_id)
        self._name = name
        self._model = model
        # SageMaker would make the log group itself, and keep it for ever.
        log_group = make_log_group(
            self, "Logs", name=f"/aws/sagemaker/Endpoints/{name}", settings=settings, storage=storage
        )
        # It has no physical name: a new model replaces it, and updates the endpoint in place.
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[
                {
                    "variantName": VARIANT,
                    "modelName": model.name,
                    "initialVariantWeight": 1,
                    **variant,
                }
            ],
            **configuration,
        )
        self._endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
            deployment_config=deployment,
            retain_all_variant_properties=True if keep_scale else None,
        )
        # Deleted before the endpoint, the group would come back with the endpoint's last line.
        self._endpoint.add_resource_dependency(log_group)
        model.while_it_serves(config, self._endpoint)

    def scale(self, dimension: str, *, least: int, most: int, policy: dict[str, Any]) -> None:
        """Let Application Auto Scaling choose the `dimension` between `least` and `most`.

        `policy` is the target tracking configuration.
        https://docs.aws.amazon.com/autoscaling/application/userguide/services-that-can-integrate-sagemaker.html
        """
        target = autoscaling.CfnScalableTarget(
            self,
            "Scale",
            service_namespace="sagemaker",
            scalable_dimension=f"sagemaker:variant:{dimension}",
            resource_id=f"endpoint/{self._name}/variant/{VARIANT}",
            min_capacity=least,
            max_capacity=most,
        )
        target.add_resource_dependency(self._endpoint)
        tracking = autoscaling.CfnScalingPolicy(
            self,
            "Tracking",
            policy_name=f"{self._name}-tracking",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=policy,
        )
        self._model.while_it_serves(target, tracking)
