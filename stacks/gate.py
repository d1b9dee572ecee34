"""The gate: whether a model may go live, said in words, and registered either way."""

from __future__ import annotations

from stacks import images
from stacks.champion import Champion
from stacks.jobs import JobRequests
from stacks.jsonata import query, source
from stacks.settings import Settings
from stacks.states import State, caught, choice, publish, when

_ACCURACY = "$string($round($evaluation.accuracy, 6))"
_CHAMPIONS = "$string($round($evaluation.champion.accuracy, 6))"
# In a slice, which evaluate.py compares by a paired test of its own.
_SLICE = (
    "'accuracy ' & $string($round(accuracy, 6)) & ' on the slice ' & name & ' (' & rows & ' rows)'"
    " & ' is more than {limit} below the champion on the same rows ('"
    " & $string($round(champion.accuracy, 6)) & ')'"
)


def gate(
    settings: Settings, jobs: JobRequests, champion: Champion, topic_arn: str, title: str
) -> dict[str, State]:
    """States that judge `$evaluation` and register `$modelData`; those that pass go on to `Promote`."""
    limits = settings.gate
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
            status="Approved",
            description=_described("'Retrain ' & $run & ', served by ' & $servedBy"),
            next="Promote",
            catch=[caught("Register")],
        ),
        "RegisterRejected": champion.register(
            image=image,
            metrics=metrics,
            status="Rejected",
            description=_described(
                "'Stopped by the gate: ' & $reason & '; it would be served by ' & $servedBy"
            ),
            next="NotifyRejected",
            catch=[caught("RegisterRejected")],
        ),
        "NotifyRejected": publish(
            topic_arn,
            f"{title} stopped by the gate",
            "'The new model was not promoted: ' & $reason"
            " & '\\nIt was scored as it would be served, by ' & $servedBy"
            " & '\\n\\nThe model that serves has not changed.'"
            f" & '\\nReport: ' & {source(jobs.evaluation_uri('report.html'))}",
            next="RejectedByGate",
        ),
        "RejectedByGate": {
            "Type": "Succeed",
            "Output": {
                "outcome": "rejected",
                "reason": query("$reason"),
                "package": query("$package"),
                "served_by": query("$servedBy"),
            },
        },
    }


def _described(text: str) -> str:
    # The API takes one line, of 1,024 signs.
    return query(f"$substring($replace({text}, /\\s+/, ' '), 0, 1024)")
