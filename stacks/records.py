"""What a run leaves for those who watch: the gate's metrics over time, and logs that do not stay for ever."""

from __future__ import annotations

from typing import Any

from stacks.environment_stack import arn
from stacks.jsonata import query, with_optional
from stacks.permissions import Permission
from stacks.settings import Settings
from stacks.states import State, regardless, task

CANDIDATE_ACCURACY, CANDIDATE_MACRO_F1 = "CandidateAccuracy", "CandidateMacroF1"
CHAMPION_ACCURACY = "ChampionAccuracy"

# SageMaker makes these groups itself, once an account, and keeps them for ever. As they are every
# environment's, the time is too: the last one to set a shorter time would delete the others' logs.
_RETENTION_DAYS = 400
_GROUPS = {
    "Processing": "/aws/sagemaker/ProcessingJobs",
    "Training": "/aws/sagemaker/TrainingJobs",
    "Transform": "/aws/sagemaker/TransformJobs",
}


def namespace(settings: Settings) -> str:
    """Of the environment's metrics in CloudWatch: what a role may write is limited by namespace alone."""
    return f"Nunchi/{settings.environment}"


def record_metrics(settings: Settings, *, next: str) -> dict[str, State]:
    """The state `RecordMetrics`: the accuracy of `$evaluation`, and its champion's, to CloudWatch."""

    def metric(name: str, value: str) -> dict[str, Any]:
        return {"MetricName": name, "Value": query(value)}

    return {
        "RecordMetrics": task(
            "aws-sdk:cloudwatch:putMetricData",
            {
                "Namespace": namespace(settings),
                "MetricData": with_optional(
                    [
                        metric(CANDIDATE_ACCURACY, "$evaluation.accuracy"),
                        metric(CANDIDATE_MACRO_F1, "$evaluation.macro_f1"),
                    ],
                    metric(CHAMPION_ACCURACY, "$evaluation.champion.accuracy"),
                    unless="$evaluation.champion = null",
                ),
            },
            next=next,
            catch=[regardless(next)],
        )
    }


def keep_logs(*kinds: str, next: str) -> dict[str, State]:
    """The states `Keep{kind}Logs` that set how long the logs of jobs of those kinds are kept."""
    names = [f"Keep{kind}Logs" for kind in kinds]
    return {
        name: task(
            "aws-sdk:cloudwatchlogs:putRetentionPolicy",
            {"LogGroupName": _GROUPS[kind], "RetentionInDays": _RETENTION_DAYS},
            next=following,
            catch=[regardless(following)],
        )
        for name, kind, following in zip(names, kinds, [*names[1:], next], strict=True)
    }


def record_permission(settings: Settings) -> Permission:
    """What `record_metrics` needs."""
    return Permission(
        ["cloudwatch:PutMetricData"],
        ["*"],
        because="The action has no resources; a condition names the namespace",
        conditions={"StringEquals": {"cloudwatch:namespace": namespace(settings)}},
    )


def keep_permission(*kinds: str) -> Permission:
    """What `keep_logs` needs."""
    return Permission(
        ["logs:PutRetentionPolicy"],
        [arn("logs", f"log-group:{_GROUPS[kind]}:*") for kind in kinds],
        because="CloudWatch Logs writes a group's ARN with a wildcard for its streams",
    )
