"""The retrain state machine: prepare → train → optimise → evaluate → gate → register → promote.

Every failure that a state can catch ends in one message, and none but a promotion touches the champion.
"""

from __future__ import annotations

from constructs import Construct

from stacks import images, prefixes
from stacks.champion import Champion
from stacks.execution_input import check_input
from stacks.gate import gate
from stacks.jobs import JobRequests
from stacks.jsonata import query
from stacks.lock import Locks
from stacks.permissions import Permission, execution_permissions, job_permissions
from stacks.promote import Promote
from stacks.records import keep_logs, keep_permission, record_metrics, record_permission
from stacks.roles import JobRoles
from stacks.run import JOB
from stacks.settings import Settings
from stacks.states import State, choice, failure, task, when
from stacks.storage import Storage
from stacks.train import Train
from stacks.variant import PYTORCH, optimise
from stacks.workflow import Workflow

_MANIFEST = (
    "($read := $parse($states.result.Body);"
    " {'fingerprint': $read.fingerprint, 'code_sha256': $read.code_sha256})"
)


class Retrain(Construct):
    """The state machine, over the jobs' requests and roles.

    Its input may name `data_prefix` (below the data bucket; default `reviews/`), `base_checkpoint`
    (a folder below `base-models/` of the artifact bucket) and `hyperparameters` (of train.py; they
    come on top of the settings'), and `force`: to train even where nothing is new.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        jobs: JobRequests,
        roles: JobRoles,
        storage: Storage,
        champion: Champion,
        train: Train,
        promote: Promote,
        locks: Locks,
    ) -> None:
        """Build the state machine and what it may do."""
        super().__init__(scope, "Retrain")
        by_person = settings.gate.approval == "person"
        self.workflow = Workflow(
            self,
            part="retrain",
            description="Retrain: prepare, train, optimise, evaluate, gate, register, promote",
            settings=settings,
            storage=storage,
            start_at="CheckInput",
            states={
                **check_input(settings, jobs, next="AskForLock"),
                **locks.take(
                    "retrain",
                    seconds=_longest_seconds(settings),
                    when_busy=settings.training.when_busy,
                    next="ReadChampion",
                ),
                **_read_champion(champion),
                **_prepare(jobs, roles, storage),
                **_make_model(settings, jobs, roles, storage, train),
                **_evaluate(jobs, roles, storage),
                **record_metrics(settings, next="KeepProcessingLogs"),
                **keep_logs("Processing", "Training", next="Gate"),
                **gate(settings, jobs, champion, end="ReleaseLock"),
                **({} if by_person else _promote(promote)),
                "ReleaseLock": locks.release("retrain", next="Done"),
                "Done": {"Type": "Succeed", "Output": query("$end")},
                **failure(),
            },
            permissions=[
                *job_permissions("Processing", settings.name("prepare"), roles.prepare.attr_arn),
                *execution_permissions(
                    settings.name("train"), *([] if by_person else [settings.name("promote")])
                ),
                *(
                    job_permissions("Processing", settings.name("optimise"), roles.optimise.attr_arn)
                    if roles.optimise
                    else ()
                ),
                *job_permissions("Processing", settings.name("evaluate"), roles.evaluate.attr_arn),
                *champion.register_permissions(
                    images.find(settings.images.inference, "inference", settings.serving.processor),
                    [
                        storage.artifacts_arn(f"{prefix}/*")
                        for prefix in (prefixes.MODELS, prefixes.EVALUATIONS, prefixes.MANIFESTS)
                    ],
                ),
                record_permission(settings),
                keep_permission("Processing", "Training"),
                *locks.take_permissions(settings.name("retrain"), "DeleteItem"),
                # What the jobs found is read under the key.
                Permission(["kms:Decrypt"], [storage.key_arn]),
            ],
        )


def _longest_seconds(settings: Settings) -> int:
    # Every step to its limit, and an hour for what lies between them.
    training, processing = settings.training, settings.processing
    starts = 3 + len(training.fallback_instance_types)
    once = training.max_wait_seconds if training.spot else training.max_runtime_seconds
    return starts * (once or 0) + 3 * processing.max_runtime_seconds + 3600


def _make_model(
    settings: Settings, jobs: JobRequests, roles: JobRoles, storage: Storage, train: Train
) -> dict[str, State]:
    optimised = (
        optimise(settings, jobs, storage, roles.optimise.attr_arn, next="Evaluate") if roles.optimise else {}
    )
    return {
        "Train": task(
            "states:startExecution.sync:2",
            {
                "StateMachineArn": train.workflow.state_machine.ref,
                "Name": query(JOB),
                "Input": {
                    "run": query("$run"),
                    "job": query(JOB),
                    "baseCheckpoint": query("$baseCheckpoint"),
                    "hyperparameters": query("$hyperparameters"),
                },
            },
            assign={"modelData": query("$states.result.Output.modelData"), "servedBy": PYTORCH},
            next=next(iter(optimised), "Evaluate"),
        ),
        **optimised,
    }


def _read_champion(champion: Champion) -> dict[str, State]:
    properties = "$states.result.CustomerMetadataProperties"

    def kept(name: str) -> str:
        # A package that a person registered, or an earlier version of this, may have none.
        return query(f"$exists({properties}.{name}) ? {properties}.{name} : ''")

    return {
        "ReadChampion": champion.read(
            assign={"champion": query("$states.result.Parameter.Value")},
            next="HasChampion",
        ),
        "HasChampion": choice(when("$champion = 'none'", "Prepare"), default="DescribeChampion"),
        "DescribeChampion": champion.describe_package(
            query("$champion"),
            assign={
                "championData": query("$states.result.InferenceSpecification.Containers[0].ModelDataUrl"),
                "championManifest": kept("manifest"),
                "championFingerprint": kept("fingerprint"),
            },
            next="Prepare",
        ),
    }


def _prepare(jobs: JobRequests, roles: JobRoles, storage: Storage) -> dict[str, State]:
    return {
        "Prepare": task(
            "sagemaker:createProcessingJob.sync",
            jobs.prepare(roles.prepare.attr_arn),
            next="ReadManifest",
        ),
        "ReadManifest": task(
            "aws-sdk:s3:getObject",
            {
                "Bucket": storage.artifacts,
                "Key": query(f"'{prefixes.MANIFESTS}/' & $run & '/manifest.json'"),
            },
            # No more than is needed: a variable may hold 256 KB.
            assign={"manifest": query(_MANIFEST)},
            next="Fingerprint",
        ),
        "Fingerprint": {
            "Type": "Pass",
            "Assign": {"fingerprint": jobs.fingerprint()},
            "Next": "IsAnythingNew",
        },
        "IsAnythingNew": choice(
            when("$fingerprint = $championFingerprint and $not($force)", "NothingNew"), default="Train"
        ),
        "NothingNew": {
            "Type": "Pass",
            "Assign": {
                "end": {
                    "outcome": "nothing new",
                    "champion": query("$champion"),
                    "message": query(
                        "'Nothing was trained: data, code and settings are those of the model that serves ('"
                        " & $champion & ').\\n\\nTo train all the same, start it with \"force\": true.'"
                    ),
                }
            },
            "Next": "ReleaseLock",
        },
    }


def _evaluate(jobs: JobRequests, roles: JobRoles, storage: Storage) -> dict[str, State]:
    return {
        "Evaluate": task(
            "sagemaker:createProcessingJob.sync",
            jobs.evaluate(roles.evaluate.attr_arn),
            next="ReadEvaluation",
        ),
        "ReadEvaluation": task(
            "aws-sdk:s3:getObject",
            {
                "Bucket": storage.artifacts,
                "Key": query(f"'{prefixes.EVALUATIONS}/' & $run & '/evaluation.json'"),
            },
            assign={"evaluation": query("$parse($states.result.Body)")},
            next="RecordMetrics",
        ),
    }


def _promote(promote: Promote) -> dict[str, State]:
    return {
        "Promote": task(
            "states:startExecution.sync:2",
            {
                "StateMachineArn": promote.workflow.state_machine.ref,
                "Name": query(JOB),
                "Input": {
                    "model_package_arn": query("$package"),
                    "started_by": query("$states.context.Execution.Id"),
                },
            },
            assign={"said": query("$states.result.Output.message")},
            next="Promoted",
        ),
        "Promoted": {
            "Type": "Pass",
            "Assign": {
                "end": {
                    "outcome": "promoted",
                    "champion": query("$package"),
                    "served_by": query("$servedBy"),
                    "message": query("$said"),
                }
            },
            "Next": "ReleaseLock",
        },
    }
