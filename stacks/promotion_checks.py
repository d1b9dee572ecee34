"""What a promotion looks at before it touches anything: its input, the package, and whether it comes late."""

from __future__ import annotations

from stacks.champion import REJECTED, Champion
from stacks.jsonata import query, source
from stacks.states import State, choice, refuse, when

_FIELDS = ["model_package_arn", "force", "started_by", "status"]
_PACKAGE, _FORCE = "$states.input.model_package_arn", "$states.input.force"


def check(champion: Champion, *, start: str, next: str) -> dict[str, State]:
    """States from `CheckInput` to `start`, and from `ReadChampion` on; what may serve goes on to `next`.

    `status` is what the registry's event says. A package is refused that was ever rejected, or was made
    before the champion: who approves it does not see what serves by now. `force` lets both through.
    """
    return {
        "CheckInput": choice(
            when(
                f"$type($states.input) != 'object' or $not($type({_PACKAGE}) = 'string')"
                f" or $count($keys($states.input)[$not($ in {source(_FIELDS)})]) > 0"
                f" or ($exists({_FORCE}) and $type({_FORCE}) != 'boolean')",
                "RefuseInput",
            ),
            when("$states.input.status = 'Rejected'", "MarkRejected", package=_PACKAGE),
            default="Begin",
        ),
        "RefuseInput": refuse(
            "Input",
            '\'the execution input must be {"model_package_arn": "arn:…"}, and may have'
            ' "force": true, for a package that was made before the champion or was rejected\'',
        ),
        # Whoever approves it later is told so.
        "MarkRejected": champion.update_package(
            {"CustomerMetadataProperties": {REJECTED: query("$now()")}},
            next="Rejected",
        ),
        # Whoever rejected it knows.
        "Rejected": {
            "Type": "Succeed",
            "Output": {"outcome": "rejected", "package": query("$package"), "quiet": True},
        },
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "package": query(_PACKAGE),
                "force": query(f"$exists({_FORCE}) and {_FORCE}"),
                "rolledBack": False,
                "broughtBack": False,
                "toBlame": True,
            },
            "Next": start,
        },
        "ReadChampion": champion.read(
            assign={"previous": query("$states.result.Parameter.Value")},
            next="DescribePackage",
        ),
        "DescribePackage": champion.describe_package(
            query("$package"),
            assign={
                "approval": query("$states.result.ModelApprovalStatus"),
                "made": query("$states.result.CreationTime"),
                "rejected": query(f"$exists($states.result.CustomerMetadataProperties.{REJECTED})"),
                # What a person registered may have no description.
                "about": query(
                    "$exists($states.result.ModelPackageDescription)"
                    " ? '\\n' & $states.result.ModelPackageDescription : ''"
                ),
            },
            next="MayItServe",
        ),
        "MayItServe": choice(
            when("$approval != 'Approved'", "RefusePackage"),
            when("$force or $previous = 'none' or $previous = $package", next),
            when("$rejected", "RefuseRejected"),
            default="DescribeChampion",
        ),
        "RefusePackage": refuse("Promote", "$package & ' is ' & $approval & ', not Approved'"),
        "RefuseRejected": refuse(
            "Promote",
            "$package & ' was rejected, and rejection is final; to promote it all the same, start the'"
            " & ' promotion with \"force\": true'",
        ),
        "DescribeChampion": champion.describe_package(
            query("$previous"),
            assign={"championMade": query("$states.result.CreationTime")},
            next="IsItLate",
        ),
        "IsItLate": choice(when("$toMillis($made) < $toMillis($championMade)", "RefuseLate"), default=next),
        "RefuseLate": refuse(
            "Promote",
            "$package & ' was made before the model that serves by now (' & $previous & '), and was not'"
            " & ' compared with it; to go back to it, start the promotion with \"force\": true'",
        ),
    }
