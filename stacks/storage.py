"""The storage stack: the key, and the buckets for data, artifacts and access logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks import prefixes
from stacks.acknowledgements import acknowledge, in_every_pack, skip_scan
from stacks.encryption_key import make_key
from stacks.environment_stack import EnvironmentStack
from stacks.permissions import tls_only
from stacks.pseudo_parameters import ACCOUNT_ID, PARTITION
from stacks.settings import Settings


@dataclass(frozen=True)
class Storage:
    """The storage stack's exports, as the other stacks of the environment import them."""

    data: str
    """Name of the data bucket."""
    artifacts: str
    """Name of the artifact bucket."""
    key_arn: str

    def data_arn(self, path: str = "") -> str:
        """The data bucket's ARN, or that of the objects `path` in it."""
        return _object_arn(self.data, path)

    def artifacts_arn(self, path: str = "") -> str:
        """The artifact bucket's ARN, or that of the objects `path` in it."""
        return _object_arn(self.artifacts, path)


def _object_arn(bucket: str, path: str) -> str:
    return f"arn:{PARTITION}:s3:::{bucket}{path and '/'}{path}"


class StorageStack(EnvironmentStack):
    """Holds what outlives every deployment: key and buckets are kept when the stack is destroyed."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        """Build the key and the buckets of `settings`' environment."""
        super().__init__(scope, settings, "storage", holds="key; data, artifacts and access logs")
        self._key = make_key(self, settings)
        logs = self._access_logs()
        days = settings.storage.artifact_days
        batch = settings.serving.batch
        data = self._bucket("Data", logs, [], tells=bool(batch and batch.on_arrival))
        artifacts = self._bucket(
            "Artifacts",
            logs,
            [
                *(
                    {
                        "id": f"expire-{prefix}",
                        "status": "Enabled",
                        "prefix": f"{prefix}/",
                        "expirationInDays": days,
                    }
                    for prefix in prefixes.MADE_AGAIN
                ),
                # The champion's archive is as old as the champion: it must never go.
                *(
                    {
                        "id": f"cool-{prefix}",
                        "status": "Enabled",
                        "prefix": f"{prefix}/",
                        "transitions": [{"storageClass": "STANDARD_IA", "transitionInDays": 90}],
                    }
                    for prefix in (prefixes.MODELS, prefixes.EVALUATIONS)
                ),
            ],
        )
        self.exports = Storage(
            data=self.export("DataBucket", data.ref),
            artifacts=self.export("ArtifactBucket", artifacts.ref),
            key_arn=self.export("KeyArn", self._key.attr_arn),
        )

    def _access_logs(self) -> s3.CfnBucket:
        # S3 delivers access logs to buckets with its own keys only:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        bucket = self._make(
            "AccessLogs",
            encryption={"sseAlgorithm": "AES256"},
            rules=[
                {
                    "id": "expire",
                    "status": "Enabled",
                    "expirationInDays": self._settings.storage.access_log_days,
                }
            ],
        )
        self._policy(
            "AccessLogs",
            bucket,
            {
                "Sid": "DeliverAccessLogs",
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"{bucket.attr_arn}/*",
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
            },
        )
        receives = "This bucket receives the other buckets' access logs"
        acknowledge(
            bucket, {"AwsSolutions-S1": receives, **in_every_pack("S3BucketLoggingEnabled", receives)}
        )
        skip_scan(bucket, receives, "CKV_AWS_18")
        acknowledge(
            bucket,
            in_every_pack(
                "S3DefaultEncryptionKMS",
                "S3 delivers no access logs to a bucket that a KMS key encrypts; its own keys encrypt them",
            ),
        )
        acknowledge(
            self,
            in_every_pack(
                "S3BucketReplicationEnabled",
                "Data and models can be made again from their sources; a copy in a second region is the"
                " account's own decision, and reviews may not be allowed to leave theirs",
            ),
        )
        return bucket

    def _bucket(
        self, name: str, logs: s3.CfnBucket, rules: list[dict[str, Any]], *, tells: bool = False
    ) -> s3.CfnBucket:
        bucket = self._make(
            name,
            encryption={"sseAlgorithm": "aws:kms", "kmsMasterKeyId": self._key.attr_arn},
            rules=rules,
            logging_configuration={
                "destinationBucketName": logs.ref,
                "logFilePrefix": f"{name.lower()}/",
            },
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html
            notification_configuration=(
                {"eventBridgeConfiguration": {"eventBridgeEnabled": True}} if tells else None
            ),
        )
        self._policy(name, bucket)
        return bucket

    def _make(
        self, name: str, *, encryption: dict[str, str], rules: list[dict[str, Any]], **more: Any
    ) -> s3.CfnBucket:
        # No physical name: a bucket that outlived its stack must not block the next deployment.
        bucket = s3.CfnBucket(
            self,
            name,
            bucket_encryption={
                "serverSideEncryptionConfiguration": [
                    {"bucketKeyEnabled": True, "serverSideEncryptionByDefault": encryption}
                ]
            },
            lifecycle_configuration={
                "rules": [
                    {
                        "id": "clean-up",
                        "status": "Enabled",
                        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                        "noncurrentVersionExpiration": {
                            "noncurrentDays": self._settings.storage.noncurrent_days
                        },
                        "expiredObjectDeleteMarker": True,
                    },
                    *rules,
                ]
            },
            ownership_controls={"rules": [{"objectOwnership": "BucketOwnerEnforced"}]},
            public_access_block_configuration={
                "blockPublicAcls": True,
                "blockPublicPolicy": True,
                "ignorePublicAcls": True,
                "restrictPublicBuckets": True,
            },
            versioning_configuration={"status": "Enabled"},
            **more,
        )
        _retain(bucket)
        return bucket

    def _policy(self, name: str, bucket: s3.CfnBucket, *more: dict[str, Any]) -> None:
        policy = s3.CfnBucketPolicy(
            self,
            f"{name}Policy",
            bucket=bucket.ref,
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    tls_only("s3:*", [bucket.attr_arn, f"{bucket.attr_arn}/*"]),
                    *more,
                ],
            },
        )
        _retain(policy)


def _retain(resource: CfnResource) -> None:
    resource.apply_removal_policy(RemovalPolicy.RETAIN)
