"""What the matrix consists of: the states of the deployed machines that call something, and the faults."""

from __future__ import annotations

from typing import Any

STATES: dict[str, tuple[str, ...]] = {
    "retrain": (
        "TakeLock",
        "ReadLock",
        "DescribeHolder",
        "ReadChampion",
        "DescribeChampion",
        "Prepare",
        "ReadManifest",
        "Train",
        "Optimise",
        "ReadOptimisation",
        "Evaluate",
        "ReadEvaluation",
        "RecordMetrics",
        "KeepProcessingLogs",
        "KeepTrainingLogs",
        "Register",
        "RegisterRejected",
        "Promote",
        "ReleaseLock",
    ),
    "train": ("CreateExperiment", "CreateTrial", "Train"),
    "promote": (
        "MarkRejected",
        "TakeLock",
        "ReadLock",
        "DescribeHolder",
        "ReadChampion",
        "DescribePackage",
        "DescribeChampion",
        "ReadServing",
        "WriteChampion",
        "UpdateServing",
        "DescribeServing",
        "AskRealtime",
        "AskServerless",
        "RestoreChampion",
        "ExplainRollback",
        "RejectPackage",
        "MarkChampion",
        "ReleaseLock",
    ),
    "transform": (
        "TakeLock",
        "ReadLock",
        "DescribeHolder",
        "DescribeNext",
        "BeNext",
        "ListFiles",
        "ReadScored",
        "WriteManifest",
        "Transform",
        "KeepTransformLogs",
        "ListPredictions",
        "RecordScored",
    ),
    "notify": ("ReleaseLock", "ReadHistory", "Tell"),
}

THROTTLED = {"error": "ThrottlingException", "status": 400, "message": "Rate exceeded"}
FAULTS: dict[str, dict[str, Any]] = {
    "throttled twice": {**THROTTLED, "times": 2},
    "throttled for ever": THROTTLED,
    "service error": {"error": "InternalFailure", "status": 500, "message": "We encountered an error"},
    "resource limit": {
        "error": "ResourceLimitExceeded",
        "status": 400,
        "message": "The account-level service limit has been reached",
    },
    "access denied": {"error": "AccessDeniedException", "status": 400, "message": "is not authorized"},
    "time-out": {"timeout": True},
    "job fails": {"job": "fail", "reason": "AlgorithmError: ValueError: no such label, exit code: 1"},
    "job stopped": {"job": "stop"},
}
FOR_EVER = ("throttled for ever", "service error", "resource limit", "access denied", "time-out")
"""Those of a call that no retry helps against."""
OF_JOBS = ("job fails", "job stopped")
JOBS = {
    ("retrain", "Prepare"),
    ("retrain", "Train"),
    ("retrain", "Optimise"),
    ("retrain", "Evaluate"),
    ("retrain", "Promote"),
    ("train", "Train"),
    ("transform", "Transform"),
}
"""The states that start a job, or an execution, and wait for its end."""


def faults_of(machine: str, state: str) -> list[str]:
    """The faults that the state can meet."""
    return [fault for fault in FAULTS if fault not in OF_JOBS or (machine, state) in JOBS]
