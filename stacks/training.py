"""The training stack: roles, retrain and promote state machines, registry, champion, topic."""

from __future__ import annotations

from aws_cdk import CfnOutput, Environment, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.archives import training_archive
from stacks.champion import Champion
from stacks.jobs import JobRequests
from stacks.promote import Promote
from stacks.retrain import Retrain
from stacks.roles import JobRoles
from stacks.settings import Settings
from stacks.storage import StorageStack


class TrainingStack(Stack):
    """Makes models, and decides which of them serves."""

    def __init__(self, scope: Construct, settings: Settings, *, storage: StorageStack) -> None:
        """Build the workflows over `storage`'s buckets."""
        super().__init__(
            scope,
            settings.name("training"),
            env=Environment(account=settings.account, region=settings.region),
            description=f"Nunchi {settings.environment}: retrain and promote",
        )
        # Exported by name: the reference is as strong as an implicit one, a review can read it, and
        # the acknowledgements of wildcards can name it.
        self.add_stack_dependency(storage)
        data, artifacts = (
            s3.Bucket.from_bucket_name(
                self, name, storage.export_value(bucket.bucket_name, name=settings.name(name))
            )
            for name, bucket in (("Data", storage.data), ("Artifacts", storage.artifacts))
        )
        code = training_archive(self)
        topic = sns.Topic(self, "Notifications", enforce_ssl=True)
        for address in settings.notification_emails:
            topic.add_subscription(subscriptions.EmailSubscription(address))
        self.roles = JobRoles(self, settings=settings, data=data, artifacts=artifacts, code=code)
        champion = Champion(self, settings=settings)
        promote = Promote(
            self,
            settings=settings,
            champion=champion,
            serving_stack=settings.name("serving"),
            topic=topic,
        )
        retrain = Retrain(
            self,
            settings=settings,
            jobs=JobRequests(settings=settings, data=data, artifacts=artifacts, code=code),
            roles=self.roles,
            artifacts=artifacts,
            champion=champion,
            promote=promote,
            topic=topic,
        )
        CfnOutput(self, "RetrainStateMachine", value=retrain.workflow.state_machine.state_machine_arn)
        CfnOutput(self, "PromoteStateMachine", value=promote.workflow.state_machine.state_machine_arn)
        CfnOutput(self, "ModelPackageGroup", value=champion.group.model_package_group_name)
        CfnOutput(self, "NotificationTopic", value=topic.topic_arn)
