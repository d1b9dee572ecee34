"""A lock that one execution holds at a time: it outlives a crash, and expires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from constructs import Construct

from stacks.environment_stack import arn
from stacks.jsonata import query
from stacks.permissions import Permission
from stacks.settings import Settings
from stacks.states import CALLS, State, choice, regardless, task, when
from stacks.table import make_table

WhenBusy = Literal["end", "wait", "one waits"]

_HELD = "DynamoDb.ConditionalCheckFailedException"
_GONE = "Sfn.ExecutionDoesNotExistException"
_ME = "$states.context.Execution.Id"
# What a condition says is no error of the service's: asking again would not change it.
_RETRY = [{"ErrorEquals": [_HELD], "MaxAttempts": 0}, *CALLS]
# For some minutes: of a thousand files that arrive at once each asks, and a few a second are answered.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_RETRY_HOLDER = [
    {"ErrorEquals": [_GONE], "MaxAttempts": 0},
    *({**retrier, "MaxAttempts": 15} for retrier in CALLS),
]


class LockTable(Construct):
    """A table with an item a lock: who holds it, who is next, and until when at the longest."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        """Build the table."""
        super().__init__(scope, "Locks")
        table = make_table(
            self,
            name=settings.name("locks"),
            key="name",
            holds="names of executions",
            without_backup="A lock is worth nothing once its holder has ended",
        )
        self.locks = Locks(table.ref, table.attr_arn)


@dataclass(frozen=True)
class Locks:
    """The locks of an environment."""

    table: str
    table_arn: str

    def take(
        self, name: str, *, seconds: int, when_busy: WhenBusy, next: str, busy: State | None = None
    ) -> dict[str, State]:
        """States from `AskForLock` on: the execution holds the lock for at most `seconds`, or is `Busy`.

        A lock is free, or this execution's already, or has expired, or its holder has ended. The
        notification of an end gives it back; where that failed, the next one who asks sees that the holder
        no longer runs. `one waits`: the first that finds it held waits, and each other one is busy as
        what it would do is done by the one that waits. `busy` comes on top of the output of those.
        """
        until = query(f"$string($floor($millis() / 1000) + {seconds})")
        item = {"name": {"S": name}, "holder": {"S": query(_ME)}, "expires_at": {"N": until}}
        held = {"ErrorEquals": [_HELD], "Output": "{% $states.input %}", "Next": "ReadLock"}
        is_held = {"end": "Busy", "wait": "WaitForLock", "one waits": "IsAnyoneNext"}[when_busy]
        wait: State = {"Type": "Wait", "Seconds": 60, "Next": "AskForLock"}
        return {
            "AskForLock": {"Type": "Pass", "Assign": {"ended": "nobody"}, "Next": "TakeLock"},
            "TakeLock": task(
                "aws-sdk:dynamodb:putItem",
                {
                    "TableName": self.table,
                    "Item": item,
                    "ConditionExpression": "attribute_not_exists(#name) OR holder IN (:me, :ended)"
                    " OR expires_at < :now",
                    "ExpressionAttributeNames": {"#name": "name"},
                    "ExpressionAttributeValues": {
                        ":me": {"S": query(_ME)},
                        ":ended": {"S": query("$ended")},
                        ":now": {"N": query("$string($floor($millis() / 1000))")},
                    },
                },
                retry=_RETRY,
                next=next,
                catch=[held],
            ),
            "ReadLock": task(
                "aws-sdk:dynamodb:getItem",
                {"TableName": self.table, "Key": {"name": {"S": name}}, "ConsistentRead": True},
                assign={
                    "ended": query("$exists($states.result.Item) ? $states.result.Item.holder.S : ''"),
                    **(
                        {"next": query("$exists($states.result.Item.next) ? $states.result.Item.next.S : ''")}
                        if when_busy == "one waits"
                        else {}
                    ),
                },
                next="IsItFree",
            ),
            # It was given back meanwhile.
            "IsItFree": choice(when("$ended = ''", "AskForLock"), default="DescribeHolder"),
            "DescribeHolder": _describe(
                "$ended", assign="running", next="DoesItRun", gone={**held, "Next": "TakeLock"}
            ),
            "DoesItRun": choice(when("$running", is_held), default="TakeLock"),
            **(self._wait_as_the_next(name) if when_busy == "one waits" else {}),
            **({} if when_busy == "end" else {"WaitForLock": wait}),
            **({} if when_busy == "wait" else {"Busy": _busy(when_busy, busy or {})}),
        }

    def _wait_as_the_next(self, name: str) -> dict[str, State]:
        again = {"ErrorEquals": [_HELD], "Output": "{% $states.input %}", "Next": "AskForLock"}
        return {
            "IsAnyoneNext": choice(
                when(f"$next = {_ME}", "WaitForLock"), when("$next = ''", "BeNext"), default="DescribeNext"
            ),
            "DescribeNext": _describe(
                "$next", assign="running", next="DoesNextRun", gone={**again, "Next": "BeNext"}
            ),
            "DoesNextRun": choice(when("$running", "Busy"), default="BeNext"),
            # Whoever takes the lock puts another item in the place of this one, with nobody who is next.
            "BeNext": task(
                "aws-sdk:dynamodb:updateItem",
                {
                    "TableName": self.table,
                    "Key": {"name": {"S": name}},
                    "UpdateExpression": "SET #next = :me",
                    "ConditionExpression": "holder = :holder AND (attribute_not_exists(#next)"
                    " OR #next = :next)",
                    "ExpressionAttributeNames": {"#next": "next"},
                    "ExpressionAttributeValues": {
                        ":me": {"S": query(_ME)},
                        ":holder": {"S": query("$ended")},
                        ":next": {"S": query("$next")},
                    },
                },
                retry=_RETRY,
                next="WaitForLock",
                # Holder or next one is another by now.
                catch=[again],
            ),
        }

    def release(self, name: str, *, holder: str = _ME, next: str) -> State:
        """Give the lock back, if `holder` (JSONata) holds it; a failure is passed over, as it expires."""
        return task(
            "aws-sdk:dynamodb:deleteItem",
            {
                "TableName": self.table,
                "Key": {"name": {"S": name}},
                "ConditionExpression": "holder = :holder",
                "ExpressionAttributeValues": {":holder": {"S": query(holder)}},
            },
            retry=_RETRY,
            next=next,
            catch=[regardless(next)],
        )

    def take_permissions(self, machine: str, *more: str) -> list[Permission]:
        """What taking a lock of the machine `machine` needs, and the calls `more` to the table."""
        return [
            *self.permissions(*more, "GetItem", "PutItem"),
            Permission(
                ["states:DescribeExecution"],
                [arn("states", f"execution:{machine}:*")],
                because="Each execution has its own name",
            ),
        ]

    def permissions(self, *actions: str) -> list[Permission]:
        """What calls to the table need."""
        return [Permission([f"dynamodb:{action}" for action in actions], [self.table_arn])]


def _describe(execution: str, *, assign: str, next: str, gone: State) -> State:
    return task(
        "aws-sdk:sfn:describeExecution",
        {"ExecutionArn": query(execution)},
        assign={assign: query("$states.result.Status = 'RUNNING'")},
        retry=_RETRY_HOLDER,
        next=next,
        catch=[{**gone, "ErrorEquals": [_GONE]}],
    )


def _busy(when_busy: WhenBusy, more: State) -> State:
    message = (
        "Another execution is at work, and this one has done nothing."
        if when_busy == "end"
        else "Another execution waits for the one at work, and will do what this one would have done."
    )
    return {"Type": "Succeed", "Output": {"outcome": "busy", "message": message, **more}}
