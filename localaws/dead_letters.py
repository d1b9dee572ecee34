"""The dead-letter queues of rules and schedules, which ministack keeps and never fills.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
"""

import json
from typing import Any

from ministack.services import eventbridge, sqs, stepfunctions

from localaws.api import Json

_their_invocation = eventbridge._invoke_target


def install() -> None:
    """Replace the function of ministack that gives up without a trace."""
    eventbridge._invoke_target = _invoke


def _invoke(target: Json, event: Json, rule: Json, view: Any = None) -> None:
    """Start a target; a state machine that is not there costs a letter, at once: nothing is tried again."""
    arn, queue = target["Arn"], target.get("DeadLetterConfig", {}).get("Arn")
    if queue is None or ":stateMachine:" not in arn or stepfunctions._resolve_state_machine_arn(arn):
        _their_invocation(target, event, rule, view)
        return
    scheduled = event["Source"] == "aws.scheduler"
    whole = json.dumps((view or eventbridge._pattern_event_view(event)).event_with_detail())
    url = sqs._queue_by_arn(queue)["url"]
    # With its attributes at once: whoever waits for the letter may read it as soon as it is there.
    sqs._act_send_message(
        {
            "QueueUrl": url,
            "MessageBody": target.get("Input", "{}") if scheduled else whole,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value}
                for name, value in {
                    "SCHEDULE_ARN" if scheduled else "RULE_ARN": rule["Arn"],
                    "TARGET_ARN": arn,
                    "ERROR_CODE": "NO_RESOURCE",
                    "ERROR_MESSAGE": f"State Machine Does Not Exist: '{arn}'",
                }.items()
            },
        },
        url,
    )
