"""A queue for the starts of workflows that EventBridge could not make: of schedules, and of events."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acknowledgements import acknowledge
from stacks.environment_stack import arn
from stacks.permissions import tls_only
from stacks.settings import Settings
from stacks.storage import Storage

_FORTNIGHT = 14 * 24 * 3600


class DeadLetters(Construct):
    """The queue of a stack, which keeps what it is sent for as long as a queue may."""

    def __init__(
        self, scope: Construct, *, settings: Settings, storage: Storage, part: str, rules: list[str]
    ) -> None:
        """Build the queue of the stack `part`, and let the rules of these names send to it."""
        super().__init__(scope, "DeadLetters")
        queue = sqs.CfnQueue(
            self,
            "Queue",
            queue_name=dead_letter_queue(settings, part),
            kms_master_key_id=storage.key_arn,
            message_retention_period=_FORTNIGHT,
        )
        queue.apply_removal_policy(RemovalPolicy.DESTROY)
        acknowledge(queue, {"AwsSolutions-SQS3": "This is a dead-letter queue, and the end of the line"})
        # A schedule sends by its role's policy, a rule by the queue's:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
        events = {
            "Sid": "Rules",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue.attr_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": [arn("events", f"rule/{name}") for name in rules]}},
        }
        sqs.CfnQueuePolicy(
            self,
            "Policy",
            queues=[queue.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [tls_only("sqs:*", queue.attr_arn), *([events] if rules else [])],
            },
        )
        self.queue_arn = queue.attr_arn


def dead_letter_queue(settings: Settings, part: str) -> str:
    """Name of the queue of the stack `part`."""
    return settings.name(f"{part}-dead-letters")
