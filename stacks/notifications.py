"""The topic: how people learn what happened."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.permissions import tls_only
from stacks.pseudo_parameters import ACCOUNT_ID
from stacks.settings import Settings
from stacks.storage import Storage


class Notifications(Construct):
    """An encrypted topic with the environment's addresses."""

    def __init__(self, scope: Construct, *, settings: Settings, storage: Storage) -> None:
        """Build the topic and its subscriptions."""
        super().__init__(scope, "Notifications")
        topic = sns.CfnTopic(self, "Topic", kms_master_key_id=storage.key_arn)
        self.topic_arn = topic.ref
        for number, address in enumerate(settings.notification_emails, 1):
            sns.CfnSubscription(
                self, f"Email{number}", topic_arn=topic.ref, protocol="email", endpoint=address
            )
        own = {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}
        sns.CfnTopicPolicy(
            self,
            "Policy",
            topics=[topic.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    tls_only("sns:Publish", topic.ref),
                    self._publishers("Alarms", "cloudwatch", own),
                    self._publishers("Budget", "budgets", own),
                ],
            },
        )

    def _publishers(self, sid: str, service: str, condition: dict[str, Any]) -> dict[str, Any]:
        # The workflows publish by their roles' policies.
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": self.topic_arn,
            "Condition": condition,
        }
