"""What serves: the champion's model package or, while there is none, a model from the Hugging Face Hub."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnCondition, CfnParameter, CfnResource, Fn
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks import images
from stacks.acknowledgements import skip_scan
from stacks.network import Network
from stacks.settings import HubModel, Settings


class ServedModel(Construct):
    """The SageMaker model that every way of serving shares: they switch together or not at all."""

    def __init__(
        self, scope: Construct, *, settings: Settings, role_arn: str, network: Network | None
    ) -> None:
        """Build the model, which runs as `role_arn`."""
        super().__init__(scope, "ServedModel")
        # The ids are the parameter's and the condition's names in the template: a promotion names the first.
        champion = CfnParameter(
            scope,
            "Champion",
            type="AWS::SSM::Parameter::Value<String>",
            default=settings.champion_parameter,
            description="SSM parameter with the ARN of the model package that serves, or none",
        ).value_as_string
        is_none = Fn.condition_equals(champion, "none")
        has_champion = CfnCondition(scope, "HasChampion", expression=Fn.condition_not(is_none))
        hub, serverless = settings.serving.hub, settings.serving.serverless

        def model(name: str, container: dict[str, Any], condition: CfnCondition) -> str:
            # It has no physical name: a new champion replaces it.
            made = sagemaker.CfnModel(
                self,
                name,
                execution_role_arn=role_arn,
                primary_container=container,
                # An archive has all that it needs; a serverless endpoint takes no isolated model.
                enable_network_isolation=not (hub or serverless),
                vpc_config=(
                    {"securityGroupIds": [network.security_group], "subnets": network.subnets}
                    if network
                    else None
                ),
            )
            if hub or serverless:
                skip_scan(made, "It comes from the Hub, or serves a serverless endpoint", "CKV_AWS_370")
            made.cfn_options.condition = condition
            return made.attr_model_name

        self.name = model("Model", {"modelPackageName": champion}, has_champion)
        """Name of the SageMaker model."""
        self._condition: CfnCondition | None = has_champion
        if hub:
            no_champion = CfnCondition(scope, "HasNoChampion", expression=is_none)
            from_hub = model("HubModel", _from_hub(settings, hub), no_champion)
            self.name = Fn.condition_if(has_champion.logical_id, self.name, from_hub).to_string()
            self._condition = None
        self._has_champion = has_champion.logical_id
        self._has_hub = hub is not None

    def champions_or(self, champions: str, hubs: str) -> str:
        """`champions` while the champion serves, `hubs` while a model from the Hub does."""
        if not self._has_hub:
            return champions
        return Fn.condition_if(self._has_champion, champions, hubs).to_string()

    def while_it_serves(self, *resources: CfnResource) -> None:
        """Let the resources exist only while there is something to serve."""
        if self._condition:
            for resource in resources:
                resource.cfn_options.condition = self._condition


def _from_hub(settings: Settings, hub: HubModel) -> dict[str, Any]:
    # https://github.com/aws/sagemaker-huggingface-inference-toolkit#-environment-variables
    image = images.find(settings.images.inference, "inference", settings.serving.processor)
    return {
        "image": image.uri(settings.aws_region),
        "environment": {
            "HF_MODEL_ID": hub.model_id,
            "HF_MODEL_REVISION": hub.revision,
            "HF_TASK": hub.task,
        },
    }
