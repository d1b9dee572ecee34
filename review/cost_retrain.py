"""What a retrain costs, and how often there is one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from review.asked import Asked, Lines
from review.model import CostLine, Json
from review.occurrences import starts_a_month

_MACHINES = ("retrain", "train", "promote", "notify")


@dataclass
class Retrain:
    """One retrain with its promotion: the jobs, each with its start, and the state transitions."""

    usd: float = 0
    jobs: list[str] = field(default_factory=list)
    """What was assumed of each."""
    unknown: list[str] = field(default_factory=list)


def one_retrain(asked: Asked) -> Retrain:
    """What one costs, unless something about it is unknown."""
    table, found = asked.table, Retrain()
    for name, job in (*asked.jobs("retrain", "Processing"), *asked.jobs("train", "Training")):
        cluster = _cluster(job)
        kind, count = cluster["InstanceType"], cluster["InstanceCount"]
        hour, minutes = table.hour(kind), _minutes(asked, name, job)
        if hour is None:
            found.unknown.append(f"{kind} of the job {name}")
        if minutes is None:
            found.unknown.append(f"how long the job {name} takes")
        if hour is None or minutes is None:
            continue
        spot = table.assumed("spot_share") if job.get("EnableManagedSpotTraining") else None
        volume = cluster["VolumeSizeInGB"] * table.usd("volume_gb_month") / table.assumed("hours_a_month")
        minutes += table.assumed("job_start_minutes")
        found.usd += count * minutes / 60 * (hour * (spot or 1) + volume)
        discount = f", spot at {spot:.0%} of the price" if spot else ""
        found.jobs.append(f"{name} {minutes:g} min on {count} × {kind}{discount}")
    if not found.jobs and not found.unknown:
        found.unknown.append("a retrain: no state machine runs its jobs")
    transitions = sum(len(asked.states.get(machine, ())) for machine in _MACHINES)
    found.usd += transitions * table.usd("state_transition")
    return found


def retrains(asked: Asked, retrain: Retrain) -> Lines:
    """The retrains of a month."""
    yield from retrain.unknown
    if retrain.unknown:
        return
    jobs = ", ".join(retrain.jobs)
    # Another one may start the batch transform.
    schedules = [one for one in asked.of_type("AWS::Scheduler::Schedule") if _is_retrains(one)]
    for schedule in schedules:
        expression = schedule["ScheduleExpression"]
        times = starts_a_month(expression, asked.table.assumed("hours_a_month"))
        once = expression.startswith("at(")
        often = "once" if once else f"{times:.1f} times a month"
        yield CostLine(
            f"retrain: {often}, {expression}", jobs + "; in no other month" * once, times * retrain.usd
        )
    if not schedules:
        yield CostLine("retrain: by hand", f"none in a month; one: {jobs}", 0)


def _is_retrains(schedule: Json) -> bool:
    return not str(schedule["Name"]).endswith("-transform")


def _cluster(job: Json) -> Json:
    """What it runs on: of the training, which chooses from an object by a query, what is tried first."""
    if "ProcessingResources" in job:
        cluster: Json = job["ProcessingResources"]["ClusterConfig"]
        return cluster
    choice = job["ResourceConfig"]
    tried: dict[str, Json] = json.JSONDecoder().raw_decode(choice, choice.index("{", 2))[0]
    return next(iter(tried.values()))


def _minutes(asked: Asked, name: str, job: Json) -> float | None:
    if "ResourceConfig" in job:
        epochs = re.search(r"num_train_epochs\W+([\d.]+)", json.dumps(asked.states["retrain"]))
        return float(epochs[1]) * asked.table.assumed("train_minutes_an_epoch") if epochs else None
    assumption = asked.table.assumptions.get(f"{name.lower()}_minutes")
    return assumption.value if assumption else None
