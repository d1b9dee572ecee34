"""The gate: whether a model may go live, said in words, and registered either way."""

from __future__ import annotations

from stacks import images
from stacks.champion import Champion
from stacks.jobs import JobRequests
from stacks.jsonata import query, source
from stacks.settings import Settings
from stacks.states import UNCHANGED, State, choice, when

_ACCURACY = "$string($round($evaluation.accuracy, 6))"
_CHAMPIONS = "$string($round($evaluation.champion.accuracy, 6))"
# In a slice, which evaluate.py compares by a paired test of its own.
_SLICE = (
    "'accuracy ' & $string($round(accuracy, 6)) & ' on the slice ' & name & ' (' & rows & ' rows)'"
    " & ' is more than {limit} below the champion on the same rows ('"
    " & $string($round(champion.accuracy, 6)) & ')'"
)


def gate(settings: Settings, jobs: JobRequests, champion: Champion, *, end: str) -> dict[str, State]:
    """States that judge `$evaluation` and register `$modelData`.

    What passes goes on to `Promote`, or waits in the registry for a person's approval; that, and what does
    not pass, is said in `$end`, which the state `end` puts out.
    """
    limits = settings.gate
    by_person = limits.approval == "person"
    image = images.find(settings.images.inference, "inference", settings.serving.processor)
    metrics = jobs.evaluation_uri("model_quality.json")
    # A drop is a difference of fractions: one that is the limit can be a hair above it.
    collapsed = (
        f"$evaluation.slices[rows >= {limits.min_slice_rows} and champion.beyond_chance"
        f" and $round(champion.accuracy - accuracy, 9) > {limits.max_slice_accuracy_drop}]"
    )
    said = _SLICE.format(limit=limits.max_slice_accuracy_drop)
    return {
        "Gate": choice(
            when(
                f"$evaluation.accuracy < {limits.min_accuracy}",
                "RegisterRejected",
                reason=f"'accuracy ' & {_ACCURACY} & ' is below the floor of {limits.min_accuracy}'",
            ),
            when(
                "$evaluation.champion != null"
                f" and $evaluation.accuracy < $evaluation.champion.accuracy - {limits.max_accuracy_drop}",
                "RegisterRejected",
                reason=f"'accuracy ' & {_ACCURACY} & ' is more than {limits.max_accuracy_drop} below'"
                f" & ' the champion on the same rows (' & {_CHAMPIONS} & ')'",
            ),
            when(f"$exists({collapsed})", "RegisterRejected", reason=f"$join({collapsed}.({said}), '; ')"),
            default="Register",
        ),
        "Register": champion.register(
            image=image,
            metrics=metrics,
            manifest_uri=jobs.manifest_uri(),
            status="PendingManualApproval" if by_person else "Approved",
            description=_described("'Retrain ' & $run & ', served by ' & $servedBy"),
            next="AwaitingApproval" if by_person else "Promote",
        ),
        **(_approval(jobs, end) if by_person else {}),
        "RegisterRejected": champion.register(
            image=image,
            metrics=metrics,
            manifest_uri=jobs.manifest_uri(),
            status="Rejected",
            description=_described(
                "'Stopped by the gate: ' & $reason & '; it would be served by ' & $servedBy"
            ),
            next="RejectedByGate",
        ),
        "RejectedByGate": _end(
            "stopped by the gate",
            "'The new model was not promoted: ' & $reason"
            " & '\\nIt was scored as it would be served, by ' & $servedBy"
            f" & '\\n\\n{UNCHANGED}\\nReport: ' & {source(jobs.evaluation_uri('report.html'))}",
            next=end,
            reason=query("$reason"),
        ),
    }


def _approval(jobs: JobRequests, end: str) -> dict[str, State]:
    return {
        "AwaitingApproval": _end(
            "a model awaits approval",
            f"'Accuracy ' & {_ACCURACY} & ($evaluation.champion = null ? '; nothing serves yet.'"
            f" : '; the model that serves: ' & {_CHAMPIONS} & '.') & ' It would be served by ' & $servedBy"
            f" & '\\nReport: ' & {source(jobs.evaluation_uri('report.html'))}"
            " & '\\n\\nTo promote it: aws sagemaker update-model-package --model-approval-status Approved'"
            f" & ' --model-package-arn ' & $package & '\\n{UNCHANGED}'",
            next=end,
        ),
    }


def _end(outcome: str, message: str, *, next: str, **more: str) -> State:
    end = {
        "outcome": outcome,
        "package": query("$package"),
        "served_by": query("$servedBy"),
        **more,
        "message": query(message),
    }
    return {"Type": "Pass", "Assign": {"end": end}, "Next": next}


def _described(text: str) -> str:
    # The API takes one line, of 1,024 signs.
    return query(f"$substring($replace({text}, /\\s+/, ' '), 0, 1024)")
