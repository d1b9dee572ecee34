"""A lock that one execution holds at a time: it outlives a crash, and expires."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.acknowledgements import acknowledge, skip_scan
from stacks.environment_stack import arn
from stacks.jsonata import query
from stacks.permissions import Permission
from stacks.settings import Settings
from stacks.states import CALLS, State, choice, regardless, task, when

_HELD = "DynamoDb.ConditionalCheckFailedException"
_GONE = "Sfn.ExecutionDoesNotExistException"
_ME = "$states.context.Execution.Id"
# What a condition says is no error of the service's: asking again would not change it.
_RETRY = [{"ErrorEquals": [_HELD], "MaxAttempts": 0}, *CALLS]


class Locks(Construct):
    """A table with an item a lock: who holds it, and until when at the longest."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        """Build the table."""
        super().__init__(scope, "Locks")
        self._table = dynamodb.CfnTable(
            self,
            "Table",
            table_name=settings.name("locks"),
            billing_mode="PAY_PER_REQUEST",
            key_schema=[{"attributeName": "name", "keyType": "HASH"}],
            attribute_definitions=[{"attributeName": "name", "attributeType": "S"}],
            point_in_time_recovery_specification={"pointInTimeRecoveryEnabled": True},
        )
        self._table.apply_removal_policy(RemovalPolicy.DESTROY)
        skip_scan(self._table, "It holds names of executions, encrypted with AWS's key", "CKV_AWS_119")
        acknowledge(
            self._table,
            {
                f"{pack}-DynamoDBInBackupPlan": "A lock is worth nothing once its holder has ended"
                for pack in ("NIST.800.53.R5", "HIPAA.Security")
            },
        )

    def take(self, name: str, *, seconds: int, waits: bool, next: str) -> dict[str, State]:
        """States from `AskForLock` on: the execution holds the lock for at most `seconds`, or is `Busy`.

        A lock is free, or this execution's already, or has expired, or its holder has ended. The
        notification of an end gives it back; where that failed, the next one who asks sees that the holder
        no longer runs.
        """
        until = query(f"$string($floor($millis() / 1000) + {seconds})")
        item = {"name": {"S": name}, "holder": {"S": query(_ME)}, "expires_at": {"N": until}}
        held = {"ErrorEquals": [_HELD], "Output": "{% $states.input %}", "Next": "ReadLock"}
        return {
            "AskForLock": {"Type": "Pass", "Assign": {"ended": "nobody"}, "Next": "TakeLock"},
            "TakeLock": task(
                "aws-sdk:dynamodb:putItem",
                {
                    "TableName": self._table.ref,
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
                {"TableName": self._table.ref, "Key": {"name": {"S": name}}, "ConsistentRead": True},
                assign={"ended": query("$exists($states.result.Item) ? $states.result.Item.holder.S : ''")},
                next="IsItFree",
            ),
            # It was given back meanwhile.
            "IsItFree": choice(when("$ended = ''", "AskForLock"), default="DescribeHolder"),
            "DescribeHolder": task(
                "aws-sdk:sfn:describeExecution",
                {"ExecutionArn": query("$ended")},
                assign={"running": query("$states.result.Status = 'RUNNING'")},
                retry=[{"ErrorEquals": [_GONE], "MaxAttempts": 0}, *CALLS],
                next="DoesItRun",
                catch=[{**held, "ErrorEquals": [_GONE], "Next": "TakeLock"}],
            ),
            "DoesItRun": choice(when("$running", "WaitForLock" if waits else "Busy"), default="TakeLock"),
            **(
                {"WaitForLock": {"Type": "Wait", "Seconds": 60, "Next": "AskForLock"}}
                if waits
                else {
                    "Busy": {
                        "Type": "Succeed",
                        "Output": {
                            "outcome": "busy",
                            "message": "Another execution is at work, and this one has done nothing.",
                        },
                    }
                }
            ),
        }

    def release(self, name: str, *, holder: str = _ME, next: str) -> State:
        """Give the lock back, if `holder` (JSONata) holds it; a failure is passed over, as it expires."""
        return task(
            "aws-sdk:dynamodb:deleteItem",
            {
                "TableName": self._table.ref,
                "Key": {"name": {"S": name}},
                "ConditionExpression": "holder = :holder",
                "ExpressionAttributeValues": {":holder": {"S": query(holder)}},
            },
            retry=_RETRY,
            next=next,
            catch=[regardless(next)],
        )

    def take_permissions(self, machine: str) -> list[Permission]:
        """What taking a lock of the machine `machine`, and giving it back, need."""
        return [
            *self.permissions("DeleteItem", "GetItem", "PutItem"),
            Permission(
                ["states:DescribeExecution"],
                [arn("states", f"execution:{machine}:*")],
                because="Each execution has its own name",
            ),
        ]

    def permissions(self, *actions: str) -> list[Permission]:
        """What calls to the table need."""
        return [Permission([f"dynamodb:{action}" for action in actions], [self._table.attr_arn])]
