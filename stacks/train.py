"""The train state machine: one training job, on another instance type or once more where that can help.

It is a machine of its own so that the retrain's step can be redriven: a machine that has caught a failure
to look at its reason has ended in a state that fails again.
"""

from __future__ import annotations

from constructs import Construct

from stacks.environment_stack import arn
from stacks.jobs import JobRequests
from stacks.jsonata import query, source
from stacks.permissions import Permission, job_permissions
from stacks.roles import JobRoles
from stacks.settings import Settings
from stacks.states import State, choice, in_its_own_words, regardless, task, when
from stacks.storage import Storage
from stacks.workflow import Workflow

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
_NO_CAPACITY = "$contains($reason, /CapacityError|Insufficient ?Capacity|MaxWaitTimeExceeded/i)"
_THEIR_FAULT = "$contains($reason, /InternalServerError/)"
_MOST_REPEATS = 2
_CAUSE = "($exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '')"


class Train(Construct):
    """The state machine; its input has `run`, `job`, `baseCheckpoint` and `hyperparameters`."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        jobs: JobRequests,
        roles: JobRoles,
        storage: Storage,
    ) -> None:
        """Build the state machine and what it may do; its output has `modelData`."""
        super().__init__(scope, "TrainMachine")
        experiment = settings.name("retrain")
        self.workflow = Workflow(
            self,
            part="train",
            description="Train: one training job, however often it has to be started",
            settings=settings,
            storage=storage,
            start_at="Begin",
            states=_states(settings, jobs.train(roles.train.attr_arn), experiment),
            permissions=[
                *job_permissions("Training", settings.name("train"), roles.train.attr_arn),
                Permission(
                    ["sagemaker:AddTags", "sagemaker:CreateExperiment"],
                    [arn("sagemaker", f"experiment/{experiment}")],
                ),
                Permission(
                    ["sagemaker:CreateTrial"],
                    [
                        arn("sagemaker", f"experiment/{experiment}"),
                        arn("sagemaker", "experiment-trial/*"),
                    ],
                    because="Each run is a trial of its own",
                ),
            ],
        )


def _states(settings: Settings, request: State, experiment: str) -> dict[str, State]:
    types = [settings.training.instance_type, *settings.training.fallback_instance_types]
    given = "$states.input"
    trial = {"ExperimentName": experiment, "TrialName": query("$run")}
    return {
        "Begin": {
            "Type": "Pass",
            "Assign": {
                **{name: query(f"{given}.{name}") for name in ("run", "baseCheckpoint", "hyperparameters")},
                "firstJob": query(f"{given}.job"),
                "job": query(f"{given}.job"),
                "instanceType": types[0],
                "start": 0,
                "type": 0,
                "repeats": 0,
                "experiment": {},
            },
            "Next": "CreateExperiment",
        },
        # What is there already is an error, and fine. Tracking stops no training: without a trial the job
        # has none.
        "CreateExperiment": task(
            "aws-sdk:sagemaker:createExperiment",
            {"ExperimentName": experiment},
            retry=[],
            next="CreateTrial",
            catch=[regardless("CreateTrial")],
        ),
        "CreateTrial": task(
            "aws-sdk:sagemaker:createTrial",
            trial,
            assign={"experiment": trial},
            retry=[],
            next="Train",
            catch=[
                {
                    **regardless("Train"),
                    "Assign": {"experiment": query(f"$contains({_CAUSE}, /exist/) ? {source(trial)} : {{}}")},
                }
            ],
        ),
        "Train": task(
            "sagemaker:createTrainingJob.sync",
            request,
            assign={"modelData": query("$states.result.ModelArtifacts.S3ModelArtifacts")},
            next="Trained",
            catch=[
                {
                    "ErrorEquals": ["States.TaskFailed"],
                    "Assign": {"reason": query(_reason())},
                    "Output": "{% $states.input %}",
                    "Next": "WhyDidItFail",
                }
            ],
        ),
        "Trained": {"Type": "Succeed", "Output": {"modelData": query("$modelData")}},
        "WhyDidItFail": choice(
            when(
                f"{_NO_CAPACITY} and $type < {len(types) - 1}",
                "StartAgain",
                instanceType=f"{source(types)}[$type + 1]",
                type="$type + 1",
            ),
            when(f"{_THEIR_FAULT} and $repeats < {_MOST_REPEATS}", "WaitAWhile", repeats="$repeats + 1"),
            default="TrainFailed",
        ),
        "WaitAWhile": {"Type": "Wait", "Seconds": 300, "Next": "StartAgain"},
        # A job's name is used up. It has 36 characters at most, the first job's among them.
        "StartAgain": {
            "Type": "Pass",
            "Assign": {
                "start": query("$start + 1"),
                "job": query("$substring($replace($firstJob, '-', ''), 0, 34) & '-' & ($start + 1)"),
            },
            "Next": "Train",
        },
        "TrainFailed": {"Type": "Fail", "Error": "TrainFailed", "Cause": query("$reason")},
    }


def _reason() -> str:
    # A job that was stopped says so in its status alone.
    return (
        "($said := "
        + in_its_own_words("$states.errorOutput.Cause")
        + '; $stopped := $match($states.errorOutput.Cause, /"SecondaryStatus": ?"(\\w+)"/)[0].groups[0];'
        " $contains($said, /^\\{/) and $exists($stopped) ? 'the job ended as ' & $stopped : $said)"
    )
