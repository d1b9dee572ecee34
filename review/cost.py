"""What an environment costs: what its templates ask for, at the prices and assumptions of `prices.yaml`."""

from __future__ import annotations

import json
import re

from review import prices
from review.asked import Asked, Lines
from review.assembly import read
from review.cost_retrain import one_retrain, retrains
from review.cost_serving import million_predictions, serving
from review.cost_surroundings import surroundings
from review.model import Cost, CostLine, Side

_ANYWHERE = "unknown-region"
_COUNTED = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::EC2::FlowLog",
    "AWS::EC2::VPCEndpoint",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SageMaker::EndpointConfig",
    "AWS::Scheduler::Schedule",
    "AWS::StepFunctions::StateMachine",
}


def cost(side: Side, environment: str) -> Cost:
    """What `environment` of `side` costs; what has no price is named in `unknown`, and is in no line."""
    stacks = tuple(read(side.assembly).of(environment).values())
    table = prices.read()
    regions = {stack.place.rpartition("/")[2] for stack in stacks}
    if others := regions - {table.region, _ANYWHERE}:
        return Cost(unknown=(f"prices of {', '.join(sorted(others))}: the table is of {table.region}",))
    asked = Asked(stacks, table)
    retrain = one_retrain(asked)
    found = [*serving(asked), *retrains(asked, retrain), *surroundings(asked), *_doubtful(asked)]
    return Cost(
        lines=tuple(one for one in found if isinstance(one, CostLine)),
        retrain=None if retrain.unknown else retrain.usd,
        million_predictions=dict(million_predictions(asked)),
        unknown=tuple(dict.fromkeys(one for one in found if isinstance(one, str))),
        prices=f"on demand in {table.place}, as of {table.date}"
        + ("; the environment names no region" if _ANYWHERE in regions else ""),
    )


def _doubtful(asked: Asked) -> Lines:
    """What is counted at a price that is not AWS's, and what is not counted at all."""
    templates = json.dumps([stack.template for stack in asked.stacks])
    for kind, estimate in asked.table.estimates.items():
        if re.search(rf"\b{re.escape(kind)}\b", templates):
            yield f"{kind}: not in AWS's list; counted at ${estimate.usd:.2f} an hour, {estimate.derived}"
    yield from sorted(asked.types - _COUNTED - {*asked.table.without_price})
