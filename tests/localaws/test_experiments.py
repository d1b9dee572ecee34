"""Experiments and trials: names that training jobs are kept under."""

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAws


def test_a_trial_belongs_to_an_experiment(aws: LocalAws, name: str) -> None:
    client = aws.client("sagemaker")
    client.create_experiment(ExperimentName=name)
    client.create_trial(ExperimentName=name, TrialName=f"{name}-1")
    found = client.list_trials(ExperimentName=name)["TrialSummaries"]
    assert [trial["TrialName"] for trial in found] == [f"{name}-1"]


def test_a_trial_of_no_experiment_is_refused(aws: LocalAws, name: str) -> None:
    with pytest.raises(ClientError, match=f"experiment/{name}"):
        aws.client("sagemaker").create_trial(ExperimentName=name, TrialName=name)


def test_a_name_can_be_used_once(aws: LocalAws, name: str) -> None:
    client = aws.client("sagemaker")
    client.create_experiment(ExperimentName=name)
    with pytest.raises(ClientError, match="already exist"):
        client.create_experiment(ExperimentName=name)
