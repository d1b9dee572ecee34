"""The batch transform state machine: the champion scores files of the data bucket.

Its input may name `prefix`, below `incoming/` (default: all of it). Each line of a file is a text or an
object, as in `"재미있어요"` or `{"text": "재미있어요"}`. In its place below `predictions/<run>/` of the
artifact bucket stands an object with the answer in it, as `SageMakerOutput`; beside it stand the members of
the object that was given, or the text, as `SageMakerInput`.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

from typing import Any

from constructs import Construct

from stacks import instances
from stacks.jsonata import query
from stacks.permissions import job_permissions
from stacks.prefixes import INCOMING, PREDICTIONS
from stacks.records import keep_logs, keep_permission
from stacks.run import JOB, RUN
from stacks.served_model import ServedModel
from stacks.settings import BatchSettings, Settings
from stacks.states import State, choice, failure, refuse, task, when
from stacks.storage import Storage
from stacks.workflow import Workflow

_LONGEST_INVOCATION = 3600  # the most that SageMaker takes


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
    ) -> None:
        """Build the state machine and what it may do."""
        super().__init__(scope, "Transform")
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
                    _request(settings, batch, storage, model),
                    next="KeepTransformLogs",
                    timeout_seconds=batch.max_runtime_seconds,
                ),
                **keep_logs("Transform", next="Transformed"),
                "Transformed": {
                    "Type": "Succeed",
                    "Output": {
                        "outcome": "transformed",
                        "predictions": query(f"'s3://{storage.artifacts}/{PREDICTIONS}/' & $run & '/'"),
                        "message": query(
                            f"'The predictions are in s3://{storage.artifacts}/{PREDICTIONS}/' & $run & '/'"
                        ),
                    },
                },
                **failure(),
            },
            permissions=[
                *job_permissions("Transform", settings.name("transform")),
                keep_permission("Transform"),
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


def _request(
    settings: Settings, batch: BatchSettings, storage: Storage, model: ServedModel
) -> dict[str, Any]:
    local = instances.has_local_storage(batch.instance_type)
    # The Hub's model is behind the toolkit's own handler, which knows no JSON Lines: a line is its request.
    content_type = model.champions_or("application/jsonlines", "application/json")
    return {
        "TransformJobName": query(f"'{settings.name('transform')}-' & {JOB}"),
        "ModelName": model.name,
        "BatchStrategy": model.champions_or("MultiRecord", "SingleRecord"),
        # A megabyte is ten thousand reviews: enough to sort by length, and done long before the time is over.
        "MaxPayloadInMB": 1,
        # While one request is computed, the other is read, or written.
        "MaxConcurrentTransforms": 2,
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": _LONGEST_INVOCATION},
        "Environment": {"BAD_LINES": batch.bad_lines},
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": query(f"'s3://{storage.data}/{INCOMING}/' & $prefix"),
                }
            },
            "ContentType": content_type,
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": query(f"'s3://{storage.artifacts}/{PREDICTIONS}/' & $run & '/'"),
            "Accept": content_type,
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
