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
from stacks.permissions import Permission, execution_permissions, job_permissions
from stacks.promote import Promote
from stacks.records import keep_logs, keep_permission, record_metrics, record_permission
from stacks.roles import JobRoles
from stacks.settings import Settings
from stacks.states import State, caught, choice, failure, task, when
from stacks.storage import Storage
from stacks.variant import PYTORCH, optimise
from stacks.workflow import Workflow

_OWN_FAILURE = r'/"Error":\s*"[A-Za-z]+Failed"/'


class Retrain(Construct):
    """The state machine, over the jobs' requests and roles.

    Its input may name `data_prefix` (below the data bucket; default `reviews/`), `base_checkpoint`
    (a folder below `base-models/` of the artifact bucket) and `hyperparameters` (of train.py; they
    come on top of the settings').
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
        promote: Promote,
        topic_arn: str,
    ) -> None:
        """Build the state machine and what it may do."""
        super().__init__(scope, "Retrain")
        title = f"[nunchi {settings.environment}] retrain"
        self.workflow = Workflow(
            self,
            part="retrain",
            description="Retrain: prepare, train, optimise, evaluate, gate, register, promote",
            settings=settings,
            storage=storage,
            start_at="CheckInput",
            states={
                **check_input(settings, jobs),
                **_make_model(settings, jobs, roles, storage),
                **_evaluate(jobs, roles, champion, storage),
                **record_metrics(settings, next="KeepProcessingLogs"),
                **keep_logs("Processing", "Training", next="Gate"),
                **gate(settings, jobs, champion, topic_arn, title),
                **_promote(promote, settings.champion_parameter),
                **failure(topic_arn, title),
            },
            permissions=[
                *job_permissions("Processing", settings.name("prepare"), roles.prepare.attr_arn),
                *job_permissions("Training", settings.name("train"), roles.train.attr_arn),
                *(
                    job_permissions("Processing", settings.name("optimise"), roles.optimise.attr_arn)
                    if roles.optimise
                    else ()
                ),
                *job_permissions("Processing", settings.name("evaluate"), roles.evaluate.attr_arn),
                *execution_permissions(settings.name("promote")),
                *champion.register_permissions(
                    images.find(settings.images.inference, "inference", settings.serving.processor),
                    [
                        storage.artifacts_arn(f"{prefix}/*")
                        for prefix in (prefixes.MODELS, prefixes.EVALUATIONS)
                    ],
                ),
                record_permission(settings),
                keep_permission("Processing", "Training"),
                # What the jobs found is read, and the topic written, under the key.
                Permission(["kms:Decrypt", "kms:GenerateDataKey"], [storage.key_arn]),
                Permission(["sns:Publish"], [topic_arn]),
            ],
        )


def _make_model(settings: Settings, jobs: JobRequests, roles: JobRoles, storage: Storage) -> dict[str, State]:
    optimised = (
        optimise(settings, jobs, storage, roles.optimise.attr_arn, next="ReadChampion")
        if roles.optimise
        else {}
    )
    return {
        "Prepare": task(
            "sagemaker:createProcessingJob.sync",
            jobs.prepare(roles.prepare.attr_arn),
            next="Train",
            catch=[caught("Prepare")],
        ),
        "Train": task(
            "sagemaker:createTrainingJob.sync",
            jobs.train(roles.train.attr_arn),
            assign={
                "modelData": query("$states.result.ModelArtifacts.S3ModelArtifacts"),
                "servedBy": PYTORCH,
            },
            next=next(iter(optimised), "ReadChampion"),
            catch=[caught("Train")],
        ),
        **optimised,
    }


def _evaluate(jobs: JobRequests, roles: JobRoles, champion: Champion, storage: Storage) -> dict[str, State]:
    return {
        "ReadChampion": champion.read(
            assign={"champion": query("$states.result.Parameter.Value")},
            next="HasChampion",
            catch=[caught("ReadChampion")],
        ),
        "HasChampion": choice(when("$champion = 'none'", "Evaluate"), default="DescribeChampion"),
        "DescribeChampion": champion.describe_package(
            query("$champion"),
            assign={
                "championData": query("$states.result.InferenceSpecification.Containers[0].ModelDataUrl")
            },
            next="Evaluate",
            catch=[caught("DescribeChampion")],
        ),
        "Evaluate": task(
            "sagemaker:createProcessingJob.sync",
            jobs.evaluate(roles.evaluate.attr_arn),
            next="ReadEvaluation",
            catch=[caught("Evaluate")],
        ),
        "ReadEvaluation": task(
            "aws-sdk:s3:getObject",
            {
                "Bucket": storage.artifacts,
                "Key": query(f"'{prefixes.EVALUATIONS}/' & $run & '/evaluation.json'"),
            },
            assign={"evaluation": query("$parse($states.result.Body)")},
            next="RecordMetrics",
            catch=[caught("ReadEvaluation")],
        ),
    }


def _promote(promote: Promote, parameter: str) -> dict[str, State]:
    failed = caught(
        "Promote",
        next="DidThePromotionTell",
        mend=f"If {parameter} names a model that does not serve, promote the one that serves again.",
    )
    # A promotion that failed by itself ended in a state of ours, after it had told people.
    failed["Output"]["told"] = query(
        f"$exists($states.errorOutput.Cause) and $contains($states.errorOutput.Cause, {_OWN_FAILURE})"
    )
    return {
        "Promote": task(
            "states:startExecution.sync:2",
            {
                "StateMachineArn": promote.workflow.state_machine.ref,
                "Name": query("$run"),
                "Input": {"model_package_arn": query("$package")},
            },
            next="Promoted",
            catch=[failed],
        ),
        "DidThePromotionTell": choice(when("$states.input.told", "PromotionFailed"), default="NotifyFailure"),
        "Promoted": {
            "Type": "Succeed",
            "Output": {
                "outcome": "promoted",
                "champion": query("$package"),
                "served_by": query("$servedBy"),
            },
        },
        "PromotionFailed": {
            "Type": "Fail",
            "Error": "PromotionFailed",
            "Cause": query("$states.input.message"),
        },
    }
