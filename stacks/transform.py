"""The batch transform state machine: the champion scores what is new below `incoming/` of the data bucket.

Each line of a file is a text or an object, as in `"재미있어요"` or `{"text": "재미있어요"}`. In its place in
`predictions/<file>.out` of the artifact bucket stands an object with the answer in it, as `SageMakerOutput`;
beside it stand the members of the object that was given, or the text, as `SageMakerInput`.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html

Its input may have `again`, the beginning of names below `incoming/`, or an empty text for all: what is named
so is scored though it is not new. With `quiet` an end at which nothing was to be done is not told of.
"""

from __future__ import annotations

from typing import Any

from constructs import Construct

from stacks import instances
from stacks.jsonata import query
from stacks.lock import Locks
from stacks.permissions import Permission, job_permissions
from stacks.prefixes import BATCHES, INCOMING, PREDICTIONS
from stacks.records import keep_logs, keep_permission
from stacks.run import RUN
from stacks.scored_files import ScoredFiles
from stacks.served_model import ServedModel
from stacks.settings import BatchSettings, Settings
from stacks.states import ERROR, State, choice, failure, in_its_own_words, refuse, task, when
from stacks.storage import Storage
from stacks.workflow import Workflow

_LONGEST_INVOCATION = 3600  # the most that SageMaker takes
_LONGEST_EXECUTION = 365 * 24 * 3600  # of Step Functions; a job may take up to five days, and another follow
_FIELDS = ["again", "quiet"]
# A name that was used is used up, and a job's has 63 characters.
_JOB = (
    "($round = 1 and $states.context.Execution.RedriveCount = 0 ? $run"
    " : $hash($run & ' ' & $round & ' ' & $states.context.Execution.RedriveCount, 'MD5'))"
)
_MANIFEST = f"'{BATCHES}/' & $run & '/' & $round & '.json'"
_SHOWN = 10


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
        locks: Locks,
    ) -> None:
        """Build the state machine and what it may do."""
        super().__init__(scope, "Transform")
        scored = ScoredFiles(self, settings=settings, storage=storage)
        self.workflow = Workflow(
            self,
            part="transform",
            description="Batch transform: the champion scores what is new",
            settings=settings,
            storage=storage,
            start_at="CheckInput",
            states={
                **_check_input(),
                **locks.take(
                    "transform",
                    seconds=_LONGEST_EXECUTION,
                    when_busy="one waits",
                    next="ListFiles",
                    busy={"quiet": query("$quiet")},
                ),
                **scored.find(found="WriteManifest", end="HowItEnds"),
                "WriteManifest": _write_manifest(storage),
                "Transform": task(
                    "sagemaker:createTransformJob.sync",
                    _request(settings, batch, storage, model),
                    next="KeepTransformLogs",
                    timeout_seconds=batch.max_runtime_seconds,
                    # What it has written is recorded, and what it has not is told at the end.
                    catch=[
                        {
                            "ErrorEquals": ["States.ALL"],
                            "Assign": {"said": query(in_its_own_words(ERROR))},
                            "Output": "{% $states.input %}",
                            "Next": "KeepTransformLogs",
                        }
                    ],
                ),
                **keep_logs("Transform", next="ListPredictions"),
                **scored.record(end="HowItEnds"),
                **_ends(storage),
                **failure(),
            },
            permissions=[
                *job_permissions("Transform", settings.name("transform")),
                keep_permission("Transform"),
                *locks.take_permissions(settings.name("transform"), "UpdateItem"),
                *scored.permissions(),
                Permission(
                    ["s3:PutObject"],
                    [storage.artifacts_arn(f"{BATCHES}/*")],
                    because="Each job has a manifest of its own",
                ),
                # Of the manifest.
                Permission(["kms:GenerateDataKey"], [storage.key_arn]),
            ],
        )
        model.while_it_serves(self.workflow.state_machine)


def _check_input() -> dict[str, State]:
    given = "$states.input"
    unknown = f"$keys({given})[$not($ in {_FIELDS})]"
    return {
        "CheckInput": choice(
            when(f"$type({given}) != 'object'", "RefuseInput"),
            when(f"$count({unknown}) > 0", "RefuseInput"),
            when(
                f"$exists({given}.again) and ($type({given}.again) != 'string'"
                f" or $contains({given}.again, /^\\//))",
                "RefuseInput",
            ),
            when(f"$exists({given}.quiet) and $type({given}.quiet) != 'boolean'", "RefuseInput"),
            default="Begin",
        ),
        "RefuseInput": refuse(
            "Input",
            f'\'the execution input must be {{}} for what is new below {INCOMING}/; with {{"again": "2027/"}}'
            ' what is named so below it is scored again, and all of it with an empty text; {"quiet": true}'
            " lets an execution that finds nothing to do end without a message'",
        ),
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "run": RUN,
                "again": query(f"[{given}.again]"),
                "quiet": query(f"$exists({given}.quiet) ? {given}.quiet : false"),
                "after": f"{INCOMING}/",
                "pages": 0,
                "round": 1,
                "total": 0,
                "files": [],
                "failed": [],
                "scored": False,
                "said": "The job wrote no predictions, and did not say why.",
            },
            "Next": "AskForLock",
        },
    }


def _write_manifest(storage: Storage) -> State:
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformS3DataSource.html
    return task(
        "aws-sdk:s3:putObject",
        {
            "Bucket": storage.artifacts,
            "Key": query(_MANIFEST),
            "Body": query(
                f"$append([{{'prefix': 's3://{storage.data}/{INCOMING}/'}}],"
                f" $files.$substringAfter(Key, '{INCOMING}/'))"
            ),
        },
        assign={
            "made": [],
            # S3 tells its times in seconds.
            "began": query("$floor($millis() / 1000) * 1000"),
            # The first prediction's key comes after this.
            "seen": query(f"$files[0].('{PREDICTIONS}/' & $substringAfter(Key, '{INCOMING}/'))"),
        },
        next="Transform",
    )


def _ends(storage: Storage) -> dict[str, State]:
    place = f"s3://{storage.artifacts}/{PREDICTIONS}/"
    return {
        "HowItEnds": choice(
            when("$count($failed) > 0", "TellFailed"),
            when("$total > 0", "Transformed"),
            default="NothingNew",
        ),
        "TellFailed": {
            "Type": "Pass",
            "Output": {
                "step": "Transform",
                "message": query(
                    "$said & '\\n\\n' & $count($failed) & ' files have no predictions: '"
                    f" & $join($failed[[0..{_SHOWN - 1}]], ', ') & ($count($failed) > {_SHOWN} ? ', …' : '.')"
                    f" & '\\n' & $total & ' others have theirs in {place}.'"
                ),
                "mend": "Mend those files, or delete them, and start it again: what has its predictions is"
                " not scored once more.",
            },
            "Next": "Failed",
        },
        "Transformed": {
            "Type": "Succeed",
            "Output": {
                "outcome": "transformed",
                "files": query("$total"),
                "predictions": place,
                "message": query(f"'The predictions of ' & $total & ' files are in {place}'"),
            },
        },
        "NothingNew": {
            "Type": "Succeed",
            "Output": {
                "outcome": "nothing new",
                "quiet": query("$quiet"),
                "message": f"Nothing was scored: each file below {INCOMING}/ has its predictions in {place}",
            },
        },
    }


def _request(
    settings: Settings, batch: BatchSettings, storage: Storage, model: ServedModel
) -> dict[str, Any]:
    local = instances.has_local_storage(batch.instance_type)
    # The Hub's model is behind the toolkit's own handler, which knows no JSON Lines: a line is its request.
    content_type = model.champions_or("application/jsonlines", "application/json")
    return {
        "TransformJobName": query(f"'{settings.name('transform')}-' & {_JOB}"),
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
                    "S3DataType": "ManifestFile",
                    "S3Uri": query(f"'s3://{storage.artifacts}/' & {_MANIFEST}"),
                }
            },
            "ContentType": content_type,
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{storage.artifacts}/{PREDICTIONS}/",
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
