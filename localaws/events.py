"""SageMaker's events on the default bus of EventBridge."""

import json
from datetime import datetime

from ministack.services import eventbridge

from localaws.api import Answer


def publish(kind: str, resource: str, detail: Answer) -> None:
    """Publish an event.

    Args:
        kind: its detail type, such as ``SageMaker Training Job State Change``.
        resource: ARN of what changed.
        detail: what the resource's Describe operation answers.
    """
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": kind,
        "Detail": json.dumps(detail, default=epoch_milliseconds, ensure_ascii=False),
        "Resources": [resource],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def epoch_milliseconds(value: object) -> int:
    """How events, and the results of Step Functions' ``.sync`` that are made from them, write a time."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    raise TypeError(f"{type(value).__name__} is not JSON")
