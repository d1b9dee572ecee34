"""The serving stack: the champion behind a real-time and a serverless endpoint, and for files in batches."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.environment_stack import EnvironmentStack, arn
from stacks.network import NetworkStack
from stacks.realtime import Realtime
from stacks.served_model import ServedModel
from stacks.serverless import Serverless
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.training import TrainingStack
from stacks.transform import Transform


class ServingStack(EnvironmentStack):
    """Serves the model package that the champion parameter names."""

    def __init__(
        self,
        scope: Construct,
        settings: Settings,
        *,
        storage: StorageStack,
        training: TrainingStack,
        network: NetworkStack | None,
    ) -> None:
        """Build the ways of serving that `settings` has."""
        super().__init__(
            scope,
            settings,
            "serving",
            holds="the champion's endpoints and batches",
            after=[storage, training, network],
        )
        serving, buckets, topic_arn = settings.serving, storage.exports, training.exports.topic_arn
        model = ServedModel(
            self,
            settings=settings,
            role_arn=training.exports.serve_role_arn,
            network=network.exports if network else None,
        )
        if serving.realtime:
            Realtime(
                self,
                settings=settings,
                realtime=serving.realtime,
                storage=buckets,
                model=model,
                topic_arn=topic_arn,
            )
            CfnOutput(self, "EndpointName", value=settings.endpoint_name)
        if serving.serverless:
            Serverless(self, settings=settings, serverless=serving.serverless, storage=buckets, model=model)
            CfnOutput(self, "ServerlessEndpointName", value=settings.serverless_endpoint_name)
        if serving.batch:
            Transform(
                self,
                settings=settings,
                batch=serving.batch,
                storage=buckets,
                model=model,
            )
            # It is there with the first champion only; its name is known.
            machine = arn("states", f"stateMachine:{settings.name('transform')}")
            CfnOutput(self, "TransformStateMachine", value=machine)
