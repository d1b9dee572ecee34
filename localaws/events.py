"""SageMaker's events on the default bus of EventBridge."""

import json
from datetime import datetime
from typing import Any

from ministack.services import eventbridge

from localaws.api import Json, fit, sagemaker
from localaws.resources import Collection


def publish(collection: Collection, record: Json, **more: Any) -> None:
    """Tell that a record changed; the detail is what its Describe operation answers, and ``more``."""
    detail = fit(record, sagemaker.model.operation_model(f"Describe{collection.shape}").output_shape)
    words = collection.noun.replace("-", " ").title()
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": f"SageMaker {words} State Change",
        "Detail": json.dumps(detail | more, default=epoch_milliseconds, ensure_ascii=False),
        "Resources": [record[collection.arn_name]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def epoch_milliseconds(time: datetime) -> int:
    """How events, and the results of Step Functions' ``.sync`` that are made from them, write a time."""
    return int(time.timestamp() * 1000)
