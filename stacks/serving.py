"""The serving stack: the champion behind a real-time and a serverless endpoint, and for files in batches."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.arrival import Arrival
from stacks.dead_letters import DeadLetters
from stacks.environment_stack import EnvironmentStack, arn
from stacks.network import NetworkStack
from stacks.realtime import Realtime
from stacks.schedule import Schedule
from stacks.served_model import ServedModel
from stacks.serverless import Serverless
from stacks.settings import BatchSettings, Settings
from stacks.storage import Storage, StorageStack
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
                locks=training.exports.locks,
            )
            # It is there with the first champion only; its name is known.
            machine = arn("states", f"stateMachine:{settings.name('transform')}")
            CfnOutput(self, "TransformStateMachine", value=machine)
            self._start_by_itself(serving.batch, machine, buckets, model)

    def _start_by_itself(
        self, batch: BatchSettings, machine: str, storage: Storage, model: ServedModel
    ) -> None:
        if not (batch.schedule or batch.on_arrival):
            return
        settings = self._settings
        dead_letters = DeadLetters(
            self,
            settings=settings,
            storage=storage,
            part="serving",
            rules=[settings.name("arrival")] if batch.on_arrival else [],
        )
        if batch.schedule:
            schedule = Schedule(
                self,
                settings=settings,
                schedule=batch.schedule,
                part="transform",
                state_machine_arn=machine,
                input='{"quiet": true}',
                storage=storage,
                dead_letters=dead_letters,
            )
            model.while_it_serves(schedule.schedule)
        if batch.on_arrival:
            arrival = Arrival(
                self,
                settings=settings,
                storage=storage,
                state_machine_arn=machine,
                dead_letters=dead_letters,
            )
            model.while_it_serves(arrival.rule)
