"""Environments that config/ does not have, for what only their settings bring about."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import app as application
from stacks.settings import Settings
from tests.stacks.resolved import Environment, by_name

MLFLOW = "arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-tracking-server/nlp"
HUB = {"model_id": "team/korean-sentiment", "revision": "0123456789abcdef0123456789abcdef01234567"}

# Name → what it has on top of nothing.
_VARIANTS: dict[str, dict[str, Any]] = {
    "hub": {
        "serving": {"hub": HUB, "serverless": {}},
        "notification_emails": ["one@example.com", "two@example.com"],
    },
    "gpu": {
        "training": {"instance_type": "ml.p4d.24xlarge"},
        "serving": {
            "processor": "gpu",
            "realtime": {"instance_type": "ml.g5.xlarge"},
            "batch": {"instance_type": "ml.g4dn.xlarge"},
        },
    },
    "mixed": {
        "serving": {
            "processor": "gpu",
            "realtime": {"instance_type": "ml.g5.xlarge"},
            "batch": {"instance_type": "ml.p3.2xlarge"},
        }
    },
    "fallback": {
        "training": {"fallback_instance_types": ["ml.g5.xlarge"], "keep_alive_seconds": 1800},
    },
    "together": {
        "network": {},
        "training": {
            "instance_count": 2,
            "base_checkpoint": {"s3_prefix": "koelectra"},
        },
    },
    "several": {
        "training": {
            "instance_type": "ml.g5.12xlarge",
            "fallback_instance_types": ["ml.g5.2xlarge", "ml.p3.16xlarge"],
        },
    },
    "tracked": {
        "training": {
            "mlflow_tracking_server_arn": MLFLOW,
            "base_checkpoint": {"s3_prefix": "koelectra"},
        },
    },
    "bare": {
        "training": {"checkpoints": False},
        "serving": {"realtime": None, "batch": None},
    },
    "korean": {
        "data": {
            "text_column": "리뷰 내용",
            "label_column": "-평점",
            "labels": {-1: "부정", 0: "부정", 1: "긍정"},
            "parquet": True,
            "min_rows": 50,
        },
        "serving": {"realtime": None},
    },
    "batch": {"serving": {"realtime": None, "batch": {"bad_lines": "fail"}}},
    "warm": {
        "serving": {
            "realtime": None,
            "serverless": {
                "memory_mb": 2048,
                "max_concurrency": 20,
                "provisioned_concurrency": 2,
                "max_provisioned_concurrency": 8,
            },
        },
        "training": {"schedule": {"expression": "rate(7 days)", "flexible_minutes": 0}},
    },
}


@pytest.fixture(scope="session")
def variant_assembly(
    environments: dict[str, Environment], context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Settings]]:
    """The assembly of those of the table, and of dev2 and prod2, whose names begin as dev's and prod's."""
    who = {"owner": "tests", "cost_centre": "tests"}
    given = {name: {**who, **values} for name, values in _VARIANTS.items()}
    for name in ("dev", "prod"):
        given[f"{name}2"] = environments[name].settings.model_dump()
    all_settings = [
        Settings.model_validate({**values, "environment": name}) for name, values in given.items()
    ]
    folder = tmp_path_factory.mktemp("variants")
    app = application.build(cdk.App(context=context, outdir=str(folder)), all_settings)
    # Findings stop the synthesis after it has written all; test_acknowledgements.py reads the report.
    with suppress(RuntimeError):
        app.synth()
    return folder, all_settings


@pytest.fixture(scope="session")
def variants(variant_assembly: tuple[Path, list[Settings]]) -> dict[str, Environment]:
    """Those environments, by name."""
    return by_name(*variant_assembly)
