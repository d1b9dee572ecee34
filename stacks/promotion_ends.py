"""How a promotion ends: the new champion is announced, or the previous one comes back."""

from __future__ import annotations

from stacks.champion import Champion
from stacks.jsonata import query
from stacks.states import State, choice, regardless, task, when

# The events come newest first, and what failed first is what pulled the rest down.
_FIRST_FAILURE = (
    "($started := $toMillis($states.context.Execution.StartTime);"
    " $reasons := $states.result.StackEvents[$toMillis(Timestamp) > $started"
    " and $contains(ResourceStatus, /_FAILED$/)].ResourceStatusReason;"
    " $count($reasons) > 0 ? $reasons[-1] : 'CloudFormation rolled the stack back')"
)


def restore(champion: Champion, serving_stack: str) -> dict[str, State]:
    """From `RestoreChampion` on: the previous champion comes back, and the model at fault is rejected.

    Where the model has served already (`$broughtBack`), the previous one is brought back by an update too.
    """
    return {
        "RestoreChampion": champion.write(query("$previous"), next="IsTheModelAtFault"),
        "IsTheModelAtFault": choice(
            when("$broughtBack", "UpdateServing"),
            when("$rolledBack", "ExplainRollback"),
            default="Failed",
        ),
        "NotBroughtBack": {
            "Type": "Pass",
            "Output": {
                "step": query("$states.input.step"),
                "message": query("$states.input.message"),
                "mend": query(
                    f"'The champion is ' & $previous & ' again, but {serving_stack} does not serve it yet."
                    " Once the stack is at rest, promote that package.'"
                ),
            },
            "Next": "IsItToBlame",
        },
        "IsItToBlame": choice(when("$toBlame", "RejectPackage"), default="Failed"),
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
            next="Failed",
            catch=[regardless("Failed")],
        ),
    }


def succeed(champion: Champion, *, next: str) -> dict[str, State]:
    """From `MarkChampion` on: the registry learns of the new champion, and `$end` says it to people."""
    return {
        # The registry keeps the mark too, so that a lost parameter can be restored: a convenience.
        "MarkChampion": champion.update_package(
            {"CustomerMetadataProperties": {"promoted_at": query("$now()")}},
            next="Promoted",
            catch=[regardless("Promoted")],
        ),
        "Promoted": {
            "Type": "Pass",
            "Assign": {
                "end": {
                    "outcome": "promoted",
                    "champion": query("$package"),
                    "message": query(
                        "$package & ($previous = $package ? ' serves, as it did before.'"
                        " : ' now serves.\\nIt took over from: ' & $previous) & $about"
                    ),
                }
            },
            "Next": next,
        },
    }
