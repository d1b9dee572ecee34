"""The serverless endpoint: it costs nothing while nobody asks."""

from __future__ import annotations

from constructs import Construct

from stacks.endpoint import Endpoint
from stacks.served_model import ServedModel
from stacks.settings import ServerlessSettings, Settings
from stacks.storage import Storage

# What AWS's own examples aim at.
_UTILISATION = 0.7


class Serverless(Construct):
    """The endpoint `nunchi-<environment>-serverless`."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        serverless: ServerlessSettings,
        storage: Storage,
        model: ServedModel,
    ) -> None:
        """Build the endpoint."""
        super().__init__(scope, "Serverless")
        provisioned = serverless.provisioned_concurrency
        endpoint = Endpoint(
            self,
            "Endpoint",
            name=settings.serverless_endpoint_name,
            settings=settings,
            storage=storage,
            model=model,
            variant={
                "serverlessConfig": {
                    "memorySizeInMb": serverless.memory_mb,
                    "maxConcurrency": serverless.max_concurrency,
                    **({"provisionedConcurrency": provisioned} if provisioned else {}),
                }
            },
            keep_scale=serverless.max_provisioned_concurrency is not None,
            kms_key_id=storage.key_arn,
        )
        if provisioned and serverless.max_provisioned_concurrency:
            endpoint.scale(
                "DesiredProvisionedConcurrency",
                least=provisioned,
                most=serverless.max_provisioned_concurrency,
                policy={
                    "predefinedMetricSpecification": {
                        "predefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"
                    },
                    "targetValue": _UTILISATION,
                },
            )
