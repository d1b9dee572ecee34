"""The training stack: roles, retrain and promote state machines, schedule, registry, champion, topic."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.approval import Approval
from stacks.archives import training_archive
from stacks.champion import Champion
from stacks.dead_letters import DeadLetters
from stacks.environment_stack import EnvironmentStack
from stacks.jobs import JobRequests
from stacks.lock import Locks, LockTable
from stacks.network import NetworkStack
from stacks.notifications import Notifications
from stacks.notify import Notify
from stacks.promote import Promote
from stacks.retrain import Retrain
from stacks.roles import JobRoles
from stacks.schedule import Schedule
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.train import Train


@dataclass(frozen=True)
class Training:
    """The training stack's exports, as the other stacks of the environment import them."""

    serve_role_arn: str
    """Of the role that the models that serve run as."""
    topic_arn: str
    locks: Locks


class TrainingStack(EnvironmentStack):
    """Makes models, and decides which of them serves."""

    def __init__(
        self, scope: Construct, settings: Settings, *, storage: StorageStack, network: NetworkStack | None
    ) -> None:
        """Build the workflows over `storage`'s buckets; their jobs run in `network`, if there is one."""
        super().__init__(scope, settings, "training", holds="retrain and promote", after=[storage, network])
        buckets, vpc = storage.exports, network.exports if network else None
        code = training_archive(self, tracked=settings.training.mlflow_tracking_server_arn is not None)
        topic_arn = Notifications(self, settings=settings, storage=buckets).topic_arn
        roles = JobRoles(self, settings=settings, storage=buckets, code=code, network=vpc)
        champion = Champion(self, settings=settings)
        locks = LockTable(self, settings=settings).locks
        dead_letters = DeadLetters(
            self,
            settings=settings,
            storage=buckets,
            part="training",
            rules=[settings.name(part) for part in ("notify", "approval")],
        )
        promote = Promote(
            self,
            settings=settings,
            champion=champion,
            serving_stack=settings.name("serving"),
            storage=buckets,
            locks=locks,
        )
        jobs = JobRequests(settings=settings, storage=buckets, code=code, network=vpc)
        train = Train(self, settings=settings, jobs=jobs, roles=roles, storage=buckets)
        retrain = Retrain(
            self,
            settings=settings,
            jobs=jobs,
            roles=roles,
            storage=buckets,
            champion=champion,
            train=train,
            promote=promote,
            locks=locks,
        )
        Notify(
            self,
            settings=settings,
            storage=buckets,
            locks=locks,
            topic_arn=topic_arn,
            dead_letters=dead_letters,
        )
        Approval(
            self,
            settings=settings,
            group=champion.group.model_package_group_name,
            state_machine_arn=promote.workflow.state_machine.ref,
            dead_letters=dead_letters,
        )
        if settings.training.schedule:
            Schedule(
                self,
                settings=settings,
                schedule=settings.training.schedule,
                part="retrain",
                state_machine_arn=retrain.workflow.state_machine.ref,
                input="{}",
                storage=buckets,
                dead_letters=dead_letters,
            )
        CfnOutput(self, "RetrainStateMachine", value=retrain.workflow.state_machine.ref)
        CfnOutput(self, "PromoteStateMachine", value=promote.workflow.state_machine.ref)
        CfnOutput(self, "ModelPackageGroup", value=champion.group.model_package_group_name)
        self.exports = Training(
            serve_role_arn=self.export("ServeRoleArn", roles.serve.attr_arn),
            topic_arn=self.export("NotificationTopic", topic_arn),
            locks=Locks(self.export("LockTable", locks.table), self.export("LockTableArn", locks.table_arn)),
        )
