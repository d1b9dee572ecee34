"""What MLflow knows of a training, by its own client and SageMaker's plugin, on its own store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from mlflow.entities import Run, ViewType

import tracking
from contract import UserError
from rows import Row
from tests.training_code.conftest import FAST, write_channels
from tests.training_code.mlflow_server import ARN, OPERATIONS, MlflowServer
from tests.training_code.test_training_toolkit import run_toolkit, source_archive

PARAMETERS = {"learning_rate": 1e-4, "num_train_epochs": 3, "fp16": None}


@pytest.fixture
def server(job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowServer]:
    """A tracking server, which the job's environment names."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    with MlflowServer(tmp_path / "mlflow") as server:
        for name, value in {
            "MLFLOW_TRACKING_URI": ARN,
            "MLFLOW_EXPERIMENT_NAME": "nunchi-tests",
            "MLFLOW_RUN_NAME": "2027-01-03",
            # Where the plugin takes the requests for the ARN.
            "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            # For them to be as before afterwards.
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def runs(server: MlflowServer) -> list[Run]:
    experiment = server.store.get_experiment_by_name("nunchi-tests")
    if experiment is None:
        return []
    return list(server.store.search_runs([experiment.experiment_id], "", ViewType.ALL))


def history(server: MlflowServer, run: Run, metric: str) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in server.store.get_metric_history(run.info.run_id, metric)]


def train(steps: Mapping[int, float], parameters: Mapping[str, object] = PARAMETERS) -> None:
    with tracking.run(parameters) as log:
        for step, loss in steps.items():
            log({"train_loss": loss}, step)


def test_a_training_is_a_run_with_its_names_parameters_metrics_and_end(server: MlflowServer) -> None:
    with tracking.run(PARAMETERS) as log:
        log({"train_loss": 0.5}, 10)
        log({"train_loss": 0.25, "validation_accuracy": 0.875}, 20)
    (run,) = runs(server)
    assert (run.info.run_name, run.info.status) == ("2027-01-03", "FINISHED")
    assert run.data.params == {"learning_rate": "0.0001", "num_train_epochs": "3", "fp16": "None"}
    assert history(server, run, "train_loss") == [(10, 0.5), (20, 0.25)]
    assert history(server, run, "validation_accuracy") == [(20, 0.875)]
    assert run.info.end_time >= run.info.start_time > 0


def test_a_training_that_fails_is_a_run_that_failed(server: MlflowServer) -> None:
    with pytest.raises(ZeroDivisionError), tracking.run(PARAMETERS) as log:
        log({"train_loss": 1 / 0}, 1)
    (run,) = runs(server)
    assert run.info.status == "FAILED"


def test_trainings_of_an_environment_share_its_experiment(server: MlflowServer) -> None:
    train({1: 0.5})
    train({1: 0.25})
    assert len(runs(server)) == 2


def test_a_training_that_goes_on_goes_on_in_its_run(job: Path, server: MlflowServer) -> None:
    """Killed, it tells nobody; what it learnt after its last checkpoint it learns again."""
    (job / "checkpoints").mkdir()
    killed = """
import os, signal, tracking
with tracking.run({"fp16": None}) as log:
    log({"train_loss": 0.5}, 10)
    log({"train_loss": 0.25}, 20)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    finished = subprocess.run([sys.executable, "-c", killed], cwd=Path(tracking.__file__).parent)
    assert finished.returncode == -signal.SIGKILL
    (run,) = runs(server)
    assert run.info.status == "RUNNING"
    train({20: 0.25, 30: 0.125}, {"fp16": True})
    (run,) = runs(server)
    assert run.info.status == "FINISHED"
    assert history(server, run, "train_loss") == [(10, 0.5), (20, 0.25), (20, 0.25), (30, 0.125)]
    assert run.data.params == {"fp16": "None"}


def test_a_run_that_ended_is_running_again_when_its_job_starts_again(job: Path, server: MlflowServer) -> None:
    (job / "checkpoints").mkdir()
    train({10: 0.5})
    with tracking.run(PARAMETERS):
        (run,) = runs(server)
        assert run.info.status == "RUNNING"


def test_a_server_that_fails_for_a_while_gets_everything_later_and_is_told_of_once(
    server: MlflowServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with tracking.run(PARAMETERS) as log:
        log({"train_loss": 1.0}, 1)
        server.broken = True
        for step in range(2, 1500):
            log({"train_loss": 1 / step}, step)
        server.broken = False
    (run,) = runs(server)
    assert run.info.status == "FINISHED"
    assert history(server, run, "train_loss") == [(step, 1 / step) for step in range(1, 1500)]
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[tracking]")]
    assert len(told) == 1
    assert "and training goes on: MlflowException" in told[0]
    assert "too many 500 error responses" in told[0]


def test_a_server_that_fails_is_not_asked_again_at_every_step(server: MlflowServer) -> None:
    """Each time costs the training the seconds that the client waits."""
    with tracking.run(PARAMETERS) as log:
        server.broken = True
        log({"train_loss": 1.0}, 1)
        before = len(server.operations)
        for step in range(2, 100):
            log({"train_loss": 1 / step}, step)
        assert len(server.operations) == before


def test_a_server_that_fails_is_asked_again_after_a_pause(
    server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "_PAUSE_SECONDS", 0)
    with tracking.run(PARAMETERS) as log:
        server.broken = True
        log({"train_loss": 1.0}, 1)
        server.broken = False
        log({"train_loss": 0.5}, 2)
        (run,) = runs(server)
        assert history(server, run, "train_loss") == [(1, 1.0), (2, 0.5)]


def test_a_server_that_fails_at_the_beginning_has_the_whole_run_in_the_end(server: MlflowServer) -> None:
    server.broken = True
    with tracking.run(PARAMETERS) as log:
        log({"train_loss": 0.5}, 1)
        server.broken = False
    (run,) = runs(server)
    assert (run.info.status, len(run.data.params)) == ("FINISHED", len(PARAMETERS))
    assert history(server, run, "train_loss") == [(1, 0.5)]


def test_a_training_goes_on_without_a_server_and_without_credentials(
    server: MlflowServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", "http://127.0.0.1:9")
    train({1: 0.5})
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    train({1: 0.5})
    assert capsys.readouterr().out.count("training goes on: ") == 2


def test_the_requests_are_signed_for_the_tracking_server_that_the_arn_names(server: MlflowServer) -> None:
    train({1: 0.5})
    assert server.authorizations == {("sagemaker-mlflow", ARN)}


def test_a_training_calls_the_operations_that_its_role_is_tested_for(job: Path, server: MlflowServer) -> None:
    (job / "checkpoints").mkdir()
    train({1: 0.5})
    train({1: 0.5})
    assert set(server.operations) == OPERATIONS.keys()


def test_of_several_processes_the_main_one_alone_tracks(server: MlflowServer) -> None:
    with (
        tracking.run(PARAMETERS) as log,
        tracking.run(PARAMETERS, main_process=False) as other_log,
    ):
        log({"train_loss": 0.5}, 1)
        other_log({"train_loss": 0.25}, 1)
    (run,) = runs(server)
    assert history(server, run, "train_loss") == [(1, 0.5)]


@pytest.mark.parametrize("module", ["mlflow", "sagemaker_mlflow"])
def test_a_client_that_is_not_installed_is_the_users_to_mend(
    server: MlflowServer, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r"install mlflow-requirements\.txt, or leave MLFLOW_TRACKING_URI"):
        train({})


def test_a_name_that_is_none_of_a_tracking_server_is_refused_at_the_start(
    server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlfow://tests")
    with pytest.raises(UserError, match="MLFLOW_TRACKING_URI mlfow://tests names no tracking server"):
        train({})


def test_without_a_tracking_server_nothing_is_asked_for(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for module in ("mlflow", "sagemaker_mlflow"):
        monkeypatch.setitem(sys.modules, module, None)
    train({1: 0.5})
    assert list(job.iterdir()) == []


def test_a_training_job_installs_the_client_and_tracks_what_it_reports(
    server: MlflowServer, job: Path, tmp_path: Path, checkpoint: Path, training_rows: list[Row]
) -> None:
    write_channels(job, training_rows[::2], training_rows[1::2], checkpoint)
    archive = source_archive(tmp_path, requirements="mlflow-requirements.txt")
    names = [name.removeprefix("--") for name in FAST[::2]]
    finished = run_toolkit(job, archive, dict(zip(names, FAST[1::2], strict=True)))
    assert finished.returncode == 0, finished.stdout
    assert "Requirement already satisfied: mlflow-skinny==" in finished.stdout
    (run,) = runs(server)
    report = json.loads((job / "output" / "data" / "training.json").read_text(encoding="utf-8"))
    assert run.info.status == "FINISHED"
    assert run.data.params == {name: str(value) for name, value in report["arguments"].items()}
    assert [value for _, value in history(server, run, "validation_accuracy")] == [
        epoch["accuracy"] for epoch in report["validation"]
    ]
