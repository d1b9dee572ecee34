"""The batch transform state machine: the champion scores files of the data bucket.

Its input may name `prefix`, below `incoming/` (default: all of it). Each file holds one request a line,
as in `{"inputs": "재미있어요"}`; in its place below `predictions/<run>/` of the artifact bucket stands
the same line with the answer in it, as `SageMakerOutput`.
"""

from __future__ import annotations

from typing import Any

from constructs import Construct

from stacks import instances
from stacks.execution_input import RUN
from stacks.jsonata import query
from stacks.permissions import Permission, job_permissions
from stacks.prefixes import INCOMING, PREDICTIONS
from stacks.records import keep_logs, keep_permission
from stacks.served_model import ServedModel
from stacks.settings import BatchSettings, Settings
from stacks.states import State, caught, choice, failure, publish, refuse, task, when
from stacks.storage import Storage
from stacks.workflow import Workflow


class Transform(Construct):
    """The state machine, over the model that serves."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        batch: BatchSettings,
        storage: Storage,
        model: ServedModel,
        topic_arn: str,
    ) -> None:
        """Build the state machine and what it may do."""
        super().__init__(scope, "Transform")
        title = f"[nunchi {settings.environment}] batch transform"
        self.workflow = Workflow(
            self,
            part="transform",
            description="Batch transform: the champion scores files",
            settings=settings,
            storage=storage,
            start_at="CheckInput",
            states={
                **_check_input(),
                "Transform": task(
                    "sagemaker:createTransformJob.sync",
                    _request(settings, batch, storage, model.name),
                    next="KeepTransformLogs",
                    timeout_seconds=batch.max_runtime_seconds,
                    catch=[caught("Transform", mend="Nothing was written for the files that failed.")],
                ),
                **keep_logs("Transform", next="NotifyTransformed"),
                "NotifyTransformed": publish(
                    topic_arn,
                    f"{title} succeeded",
                    f"'The predictions are in s3://{storage.artifacts}/{PREDICTIONS}/' & $run & '/'",
                    next="Transformed",
                ),
                "Transformed": {
                    "Type": "Succeed",
                    "Output": {
                        "outcome": "transformed",
                        "predictions": query(f"'s3://{storage.artifacts}/{PREDICTIONS}/' & $run & '/'"),
                    },
                },
                **failure(topic_arn, title),
            },
            permissions=[
                *job_permissions("Transform", settings.name("transform")),
                keep_permission("Transform"),
                # The topic is encrypted.
                Permission(["kms:Decrypt", "kms:GenerateDataKey"], [storage.key_arn]),
                Permission(["sns:Publish"], [topic_arn]),
            ],
        )
        model.while_it_serves(self.workflow.state_machine)


def _check_input() -> dict[str, State]:
    prefix = "$states.input.prefix"
    unknown = "$keys($states.input)[$ != 'prefix']"
    return {
        "CheckInput": choice(
            when("$type($states.input) != 'object'", "RefuseInput"),
            when(f"$count({unknown}) > 0", "RefuseInput"),
            when(
                f"$exists({prefix}) and $not($type({prefix}) = 'string' and $contains({prefix}, /^[^\\/]/))",
                "RefuseInput",
            ),
            default="Begin",
        ),
        "RefuseInput": refuse(
            "Input",
            f'\'the execution input must be {{}} for all of {INCOMING}/, or {{"prefix": "2027/"}} for what'
            " is named so below it'",
        ),
        "Begin": {
            "Type": "Pass",
            "Assign": {"run": RUN, "prefix": query(f"$exists({prefix}) ? {prefix} : ''")},
            "Next": "Transform",
        },
    }


def _request(settings: Settings, batch: BatchSettings, storage: Storage, model: str) -> dict[str, Any]:
    local = instances.has_local_storage(batch.instance_type)
    return {
        "TransformJobName": query(f"'{settings.name('transform')}-' & $run"),
        "ModelName": model,
        # A line is a request, and a request of many lines is none of the handler's.
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": query(f"'s3://{storage.data}/{INCOMING}/' & $prefix"),
                }
            },
            "ContentType": "application/json",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": query(f"'s3://{storage.artifacts}/{PREDICTIONS}/' & $run & '/'"),
            "Accept": "application/json",
            "AssembleWith": "Line",
            "KmsKeyId": storage.key_arn,
        },
        "DataProcessing": {"JoinSource": "Input"},
        "TransformResources": {
            "InstanceType": batch.instance_type,
            "InstanceCount": batch.instance_count,
            **({} if local else {"VolumeKmsKeyId": storage.key_arn}),
        },
        "Tags": [{"Key": key, "Value": value} for key, value in settings.tags.items()],
    }
