"""Everything that we add to ministack, put in its place."""

from pathlib import Path
from typing import Any

from ministack import app

from localaws import (
    api,
    autoscaling,
    cloudformation,
    dead_letters,
    experiments,
    faults,
    jobs,
    mended_types,
    more_types,
    processing,
    redrive,
    runtime,
    s3,
    sagemaker_types,
    schedules,
    states,
    stepfunctions,
    tags,
    training,
    transform,
)


def install(folder: Path) -> None:
    """Plug our services into ministack; job folders go under ``folder``."""
    assert (
        training and processing and transform and experiments and tags
    )  # imported for the operations that they register
    jobs.use(folder)
    app.SERVICE_HANDLERS["sagemaker"] = api.sagemaker.handle
    # Not botocore's name: ministack would rewrite the content types of the models' answers to that service's.
    app.SERVICE_HANDLERS["runtime.sagemaker"] = runtime.handle
    app.SERVICE_HANDLERS["application-autoscaling"] = autoscaling.autoscaling.handle
    app.SERVICE_HANDLERS["faults"] = faults.handle
    detect = app.detect_service

    def detect_service(method: str, path: str, headers: dict[str, str], query: Any) -> Any:
        if path == faults.PATH:
            return "faults"
        # SageMaker's API and its runtime sign with one name; ministack would read all of botocore's models
        # to find it, for nine seconds.
        if "/sagemaker/aws4_request" in headers.get("authorization", ""):
            return "sagemaker" if "x-amz-target" in headers else "runtime.sagemaker"
        if "/application-autoscaling/aws4_request" in headers.get("authorization", ""):
            return "application-autoscaling"
        return detect(method, path, headers, query)

    app.detect_service = detect_service
    for part in (
        cloudformation,
        sagemaker_types,
        more_types,
        mended_types,
        s3,
        dead_letters,
        schedules,
        states,
        stepfunctions,
        redrive,
    ):
        part.install()
