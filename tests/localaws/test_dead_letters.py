import json
from datetime import UTC, datetime, timedelta
from typing import Any

from localaws import LocalAws
from tests.localaws.helpers import REGION, wait

NOBODY = f"arn:aws:states:{REGION}:000000000000:stateMachine:nobody"


def queue(aws: LocalAws, name: str) -> tuple[str, str]:
    """Its URL and its ARN."""
    url = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


def letter(aws: LocalAws, url: str) -> dict[str, Any]:
    """The body, and the attributes by name."""

    def received() -> Any:
        asked = aws.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])
        return asked.get("Messages")

    (message,) = wait(received)
    attributes = {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}
    return {"body": json.loads(message["Body"]), **attributes}


def test_event_that_cannot_be_delivered_comes_to_the_queue_of_its_rule(aws: LocalAws, name: str) -> None:
    url, arn = queue(aws, name)
    events = aws.client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    target = {"Id": "one", "Arn": NOBODY, "RoleArn": "arn:aws:iam::000000000000:role/x", "Input": "{}"}
    events.put_targets(Rule=name, Targets=[{**target, "DeadLetterConfig": {"Arn": arn}}])
    events.put_events(Entries=[{"Source": name, "DetailType": "test", "Detail": '{"a": 1}'}])
    found = letter(aws, url)
    assert (found["body"]["detail"], found["RULE_ARN"], found["TARGET_ARN"]) == ({"a": 1}, rule, NOBODY)
    assert (found["ERROR_CODE"], found["ERROR_MESSAGE"]) == (
        "NO_RESOURCE",
        f"State Machine Does Not Exist: '{NOBODY}'",
    )


def test_start_that_a_schedule_cannot_make_comes_to_its_queue(aws: LocalAws, name: str) -> None:
    url, arn = queue(aws, name)
    moment = datetime.now(UTC) + timedelta(seconds=2)
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": NOBODY,
            "RoleArn": "arn:aws:iam::000000000000:role/x",
            "Input": '{"by": "schedule"}',
            "DeadLetterConfig": {"Arn": arn},
        },
    )
    found = letter(aws, url)
    assert found["body"] == {"by": "schedule"}
    assert found["SCHEDULE_ARN"].endswith(f"/{name}")
