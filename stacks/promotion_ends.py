"""How a promotion ends: the new champion is announced, or the previous one comes back."""

from __future__ import annotations

from stacks.champion import Champion
from stacks.jsonata import query
from stacks.states import State, caught, choice, publish, regardless, task, when

# The events come newest first, and what failed first is what pulled the rest down.
_FIRST_FAILURE = (
    "($started := $toMillis($states.context.Execution.StartTime);"
    " $reasons := $states.result.StackEvents[$toMillis(Timestamp) > $started"
    " and $contains(ResourceStatus, /_FAILED$/)].ResourceStatusReason;"
    " $count($reasons) > 0 ? $reasons[-1] : 'CloudFormation rolled the stack back')"
)


def put_right(parameter: str, value: str, why: str) -> str:
    """What to tell people when `parameter` is not what it should be: `value`, a JSONata expression."""
    return query(
        f"'{why} Put it right: aws ssm put-parameter --overwrite --name {parameter} --value ' & {value}"
    )


def restore(champion: Champion, serving_stack: str, parameter: str) -> dict[str, State]:
    """From `RestoreChampion` on: the previous champion comes back, and the model at fault is rejected."""
    return {
        "RestoreChampion": champion.write(
            query("$previous"),
            next="IsTheModelAtFault",
            catch=[
                caught(
                    "RestoreChampion",
                    mend=put_right(
                        parameter,
                        "$previous",
                        "The promotion failed, and its model is still the champion.",
                    ),
                )
            ],
        ),
        "IsTheModelAtFault": choice(when("$rolledBack", "ExplainRollback"), default="NotifyFailure"),
        "ExplainRollback": task(
            "aws-sdk:cloudformation:describeStackEvents",
            {"StackName": serving_stack},
            output={
                "step": "Promote",
                "message": query(_FIRST_FAILURE),
                "mend": query("$states.input.mend"),
            },
            next="RejectPackage",
            catch=[regardless("RejectPackage")],
        ),
        "RejectPackage": champion.update_package(
            {
                "ModelApprovalStatus": "Rejected",
                # The API takes one line here.
                "ApprovalDescription": query(
                    "$substring('It could not be served: '"
                    " & $replace($states.input.message, /\\s+/, ' '), 0, 1024)"
                ),
            },
            next="NotifyFailure",
            catch=[regardless("NotifyFailure")],
        ),
    }


def succeed(champion: Champion, topic_arn: str, title: str) -> dict[str, State]:
    """From `MarkChampion` on: the registry and the people learn of the new champion."""
    return {
        # The registry keeps the mark too, so that a lost parameter can be restored: a convenience.
        "MarkChampion": champion.update_package(
            {"CustomerMetadataProperties": {"promoted_at": query("$now()")}},
            next="NotifyPromoted",
            catch=[regardless("NotifyPromoted")],
        ),
        "NotifyPromoted": publish(
            topic_arn,
            f"{title} succeeded",
            "$package & ($previous = $package ? ' serves, as it did before.'"
            " : ' now serves.\\nIt took over from: ' & $previous) & $about",
            next="Promoted",
        ),
        "Promoted": {"Type": "Succeed", "Output": {"outcome": "promoted", "champion": query("$package")}},
    }
