"""What MLflow is told of a training, where the job names a tracking server.

SageMaker's are named by their ARN, which mlflow understands by the plugin sagemaker-mlflow:
https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-track-experiments.html
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from contract import UserError, base_dir

Log = Callable[[Mapping[str, float], int], None]
"""Called with metrics by name and the step that they are of."""

# A server that fails is left alone for so long; what is logged in the meantime is kept, and sent then.
_PAUSE_SECONDS = 300
# By itself the client asks eight times and waits two minutes for each answer, and the training with it.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
# https://mlflow.org/docs/latest/rest-api.html#request-limits
_METRICS_PER_REQUEST = 1000


@contextmanager
def run(parameters: Mapping[str, object], *, main_process: bool = True) -> Iterator[Log]:
    """Track the block as a run in MLflow: its parameters, what it logs, and whether it finished or failed.

    It does nothing unless the environment has MLFLOW_TRACKING_URI; MLFLOW_EXPERIMENT_NAME and
    MLFLOW_RUN_NAME say under which names. A server that fails is told of in one line and stops no training.
    A job that was interrupted goes on in its run, whose id lies beside its checkpoints. Of several processes
    the main one alone tracks.

    Raises:
        UserError: the tracking server's client is not installed, or does not understand its name.
    """
    if not (main_process and os.environ.get("MLFLOW_TRACKING_URI")):
        yield lambda metrics, step: None
        return
    tracked = _Run(parameters)
    try:
        yield tracked.log
    except BaseException:
        tracked.end("FAILED")
        raise
    tracked.end("FINISHED")


class _Run:
    """A run on the tracking server, which begins when the server can be reached."""

    def __init__(self, parameters: Mapping[str, object]) -> None:
        """Begin the run, if the server can be reached."""
        uri = os.environ["MLFLOW_TRACKING_URI"]
        # The client takes them from there.
        os.environ.update(_PATIENCE)
        try:
            import sagemaker_mlflow  # noqa: F401 (mlflow finds it by itself)
            from mlflow import MlflowClient
            from mlflow.entities import Metric, Param

            self._client = MlflowClient()
        except ImportError as error:
            raise UserError(
                f"MLFLOW_TRACKING_URI is {uri}, and the client cannot be imported ({error}): "
                "install mlflow-requirements.txt, or leave MLFLOW_TRACKING_URI out"
            ) from error
        except Exception as error:
            raise UserError(f"MLFLOW_TRACKING_URI {uri} names no tracking server: {error}") from error
        self._metric = Metric
        self._parameters = [Param(name, str(value)) for name, value in parameters.items()]
        self._metrics: list[Metric] = []
        self._id = ""
        self._not_before = 0.0
        self._told = False
        self._send()

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Send the metrics, after those that could not be sent before."""
        now = time.time_ns() // 10**6
        self._metrics += [self._metric(name, value, now, step) for name, value in metrics.items()]
        self._send()

    def end(self, status: Literal["FINISHED", "FAILED"]) -> None:
        """Send what is left, and how it ended."""
        self._not_before = 0.0
        self._send(status)

    def _send(self, status: str | None = None) -> None:
        if time.monotonic() < self._not_before:
            return
        try:
            self._begin()
            while self._metrics:
                self._client.log_batch(self._id, metrics=self._metrics[:_METRICS_PER_REQUEST])
                del self._metrics[:_METRICS_PER_REQUEST]
            if status:
                self._client.set_terminated(self._id, status)
        # Whatever goes wrong in the client, its plugin or the server: tracking stops no training.
        except Exception as error:
            self._not_before = time.monotonic() + _PAUSE_SECONDS
            if not self._told:
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                print(f"[tracking] MLflow does not answer, and training goes on: {reason}", flush=True)
                self._told = True

    def _begin(self) -> None:
        client, kept = self._client, base_dir() / "checkpoints" / "mlflow_run_id"
        if not self._id and kept.is_file():
            self._id = kept.read_text(encoding="utf-8")
            self._parameters = []
            client.update_run(self._id, status="RUNNING")
        elif not self._id:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "Default")
            found = client.get_experiment_by_name(name)
            experiment = found.experiment_id if found else client.create_experiment(name)
            self._id = client.create_run(experiment, run_name=os.environ.get("MLFLOW_RUN_NAME")).info.run_id
        if self._parameters:
            client.log_batch(self._id, params=self._parameters)
            self._parameters = []
        if kept.parent.is_dir() and not kept.exists():
            kept.write_text(self._id, encoding="utf-8")
