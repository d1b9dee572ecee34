"""Everything that we add to ministack, put in its place."""

from pathlib import Path
from typing import Any

from ministack import app

from localaws import api, cloudformation, jobs, processing, runtime, states, stepfunctions, training


def install(folder: Path) -> None:
    """Plug our services into ministack; job folders go under ``folder``."""
    assert training and processing  # imported for the operations that they register
    jobs.use(folder)
    app.SERVICE_HANDLERS["sagemaker"] = api.handle
    # Not botocore's name: ministack would rewrite the content types of the models' answers to that service's.
    app.SERVICE_HANDLERS["runtime.sagemaker"] = runtime.handle
    detect = app.detect_service

    def detect_service(method: str, path: str, headers: dict[str, str], query: Any) -> Any:
        # SageMaker's API and its runtime sign with one name; ministack would read all of botocore's models
        # to find it, for nine seconds.
        if "/sagemaker/aws4_request" in headers.get("authorization", ""):
            return "sagemaker" if "x-amz-target" in headers else "runtime.sagemaker"
        return detect(method, path, headers, query)

    app.detect_service = detect_service
    cloudformation.install()
    states.install()
    stepfunctions.install()
