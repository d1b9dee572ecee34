"""The storage stack: buckets for data, artifacts and access logs."""

from __future__ import annotations

from aws_cdk import Acknowledgment, CfnOutput, Environment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.settings import Settings


class StorageStack(Stack):
    """Holds what outlives every deployment: the buckets are kept when the stack is destroyed."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        """Build the buckets of `settings`' environment."""
        super().__init__(
            scope,
            settings.name("storage"),
            env=Environment(account=settings.account, region=settings.region),
            description=f"Nunchi {settings.environment}: data, artifacts and access logs",
        )
        self.access_logs = self._bucket("AccessLogs")
        Validations.of(self.access_logs).acknowledge(
            Acknowledgment(id="AwsSolutions-S1", reason="This bucket receives the other buckets' access logs")
        )
        self.data = self._bucket("Data", logs_to=self.access_logs)
        self.artifacts = self._bucket("Artifacts", logs_to=self.access_logs)
        CfnOutput(self, "DataBucket", value=self.data.bucket_name)
        CfnOutput(self, "ArtifactBucket", value=self.artifacts.bucket_name)

    def _bucket(self, name: str, logs_to: s3.IBucket | None = None) -> s3.Bucket:
        # No physical name: a bucket that outlived its stack must not block the next deployment.
        return s3.Bucket(
            self,
            name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            server_access_logs_bucket=logs_to,
            server_access_logs_prefix=f"{name.lower()}/" if logs_to else None,
            versioned=True,
        )
