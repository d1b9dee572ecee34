"""Which variant of a trained model serves: on CPUs one that is made for them, if it is as accurate.

`$modelData` becomes the archive that is evaluated, registered and served; `$servedBy` says in words what
serves it, and why.
"""

from __future__ import annotations

from stacks.jobs import OPTIMISED, JobRequests
from stacks.jsonata import query
from stacks.prefixes import MODELS
from stacks.settings import Settings
from stacks.states import State, choice, task, when
from stacks.storage import Storage

PYTORCH = "PyTorch"
"""What serves the archive that train.py writes."""
_ONNX_RUNTIME = "ONNX Runtime int8"

_DROP = "$optimisation.accuracy_drop"


def optimise(
    settings: Settings, jobs: JobRequests, storage: Storage, role_arn: str, *, next: str
) -> dict[str, State]:
    """States from `Optimise` on that make the variant and choose between it and `$modelData`."""
    limit = settings.gate.max_optimised_accuracy_drop
    return {
        "Optimise": task(
            "sagemaker:createProcessingJob.sync",
            jobs.optimise(role_arn),
            next="ReadOptimisation",
        ),
        "ReadOptimisation": task(
            "aws-sdk:s3:getObject",
            {
                "Bucket": storage.artifacts,
                "Key": query(f"'{MODELS}/' & $run & '/{OPTIMISED}/optimisation.json'"),
            },
            assign={"optimisation": query("$parse($states.result.Body)")},
            next="ChooseVariant",
        ),
        "ChooseVariant": choice(
            when("$optimisation.exported = false", next, servedBy=f"'{PYTORCH}: ' & $optimisation.reason"),
            when(
                # The drop is a difference of fractions: one that is the limit can be a hair above it.
                f"$round({_DROP}, 9) > {limit}",
                next,
                servedBy=f"'{PYTORCH}: the int8 variant loses ' & {_points(_DROP)} & ' points on '"
                f" & $formatNumber($optimisation.rows, '#,##0') & ' validation rows (limit {_limit(limit)})'",
            ),
            default="UseOptimised",
        ),
        "UseOptimised": {
            "Type": "Pass",
            "Assign": {"modelData": jobs.optimised_uri("model.tar.gz"), "servedBy": _ONNX_RUNTIME},
            "Next": next,
        },
    }


def _points(fraction: str) -> str:
    return f"$string($round(100 * {fraction}, 2))"


def _limit(fraction: float) -> str:
    return f"{100 * fraction:.4g}"
