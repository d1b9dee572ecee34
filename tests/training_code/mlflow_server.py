"""An MLflow tracking server: MLflow's own store of files, behind that part of its REST API that we call.

MLflow's own server needs fifty packages more.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mlflow.entities import Metric, Param, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.protos import service_pb2 as api
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.store.tracking.file_store import FileStore
from mlflow.utils.proto_json_utils import message_to_json, parse_dict
from mlflow.utils.rest_utils import _REST_API_PATH_PREFIX, extract_api_info_for_service

ARN = "arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-tracking-server/tests"
_OPERATIONS = extract_api_info_for_service(api.MlflowService, _REST_API_PATH_PREFIX)


def _create_experiment(store: FileStore, asks: Any) -> Any:
    return api.CreateExperiment.Response(experiment_id=store.create_experiment(asks.name))


def _get_experiment_by_name(store: FileStore, asks: Any) -> Any:
    found = store.get_experiment_by_name(asks.experiment_name)
    if found is None:
        raise MlflowException("there is no such experiment", RESOURCE_DOES_NOT_EXIST)
    return api.GetExperimentByName.Response(experiment=found.to_proto())


def _create_run(store: FileStore, asks: Any) -> Any:
    made = store.create_run(asks.experiment_id, asks.user_id, asks.start_time, [], asks.run_name)
    return api.CreateRun.Response(run=made.to_proto())


def _get_run(store: FileStore, asks: Any) -> Any:
    return api.GetRun.Response(run=store.get_run(asks.run_id).to_proto())


def _update_run(store: FileStore, asks: Any) -> Any:
    end = asks.end_time if asks.HasField("end_time") else None
    status = RunStatus.to_string(asks.status)
    info = store.update_run_info(asks.run_id, RunStatus.from_string(status), end, asks.run_name or None)
    return api.UpdateRun.Response(run_info=info.to_proto())


def _log_batch(store: FileStore, asks: Any) -> Any:
    metrics = [Metric.from_proto(one) for one in asks.metrics]
    store.log_batch(asks.run_id, metrics, [Param.from_proto(one) for one in asks.params], [])
    return api.LogBatch.Response()


# By the operation's name, which is its IAM action's too.
OPERATIONS: dict[str, Callable[[FileStore, Any], Any]] = {
    "CreateExperiment": _create_experiment,
    "CreateRun": _create_run,
    "GetExperimentByName": _get_experiment_by_name,
    "GetRun": _get_run,
    "LogBatch": _log_batch,
    "UpdateRun": _update_run,
}


class MlflowServer(ThreadingHTTPServer):
    """Serves on a port of 127.0.0.1 while it is a context."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        """Keep experiments in `folder`; MLFLOW_ALLOW_FILE_STORE must be set."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = FileStore(str(folder))
        self.operations: list[str] = []
        """Asked for so far, by name."""
        self.authorizations: set[tuple[str, str]] = set()
        """The services that the requests were signed for, and the tracking servers that they named."""
        self.broken = False
        """Whether it answers with an error of its own."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> MlflowServer:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: MlflowServer

    def do_GET(self) -> None:
        self._answer(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, given: dict[str, Any]) -> None:
        here = (urlsplit(self.path).path, self.command)
        (kind,) = (one for one, where in _OPERATIONS.items() if where == here)
        self.server.operations.append(kind.__name__)
        signed_for = self.headers["Authorization"].split("/")[3]
        self.server.authorizations.add((signed_for, self.headers["x-mlflow-sm-tracking-server-arn"]))
        asks = kind()
        parse_dict(given, asks)
        status, body = 200, ""
        try:
            if self.server.broken:
                raise MlflowException("the disk is full")
            body = message_to_json(OPERATIONS[kind.__name__](self.server.store, asks))
        except MlflowException as error:
            status, body = error.get_http_status_code(), error.serialize_as_json()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
