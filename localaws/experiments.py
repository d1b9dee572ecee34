"""Experiments and their trials: names under which training jobs are found again."""

from localaws.api import Json, operation
from localaws.resources import Collection

experiments = Collection("Experiment", filters="")
trials = Collection("Trial", filters="ExperimentName")


@operation("CreateExperiment", "ExperimentName Description Tags Key Value")
def _create_experiment(request: Json) -> Json:
    return experiments.add(request)


@operation("CreateTrial", "ExperimentName TrialName Tags Key Value")
def _create_trial(request: Json) -> Json:
    experiments.get(request["ExperimentName"])
    return trials.add(request)
