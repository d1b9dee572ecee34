"""Starting and stopping the embedded AWS: its public face."""

import http.client
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from localaws import aws
from localaws.children import Child

START_SECONDS = 60


class LocalAws(AbstractContextManager["LocalAws"]):
    """An AWS of one's own on 127.0.0.1, for as long as this object is not stopped.

    Use it as a context manager: ``with LocalAws.start() as aws: aws.client("s3").list_buckets()``.
    State is in memory: it goes when the server stops.
    """

    def __init__(self, server: Child, url: str, root: Path, temporary: bool) -> None:
        """Use ``LocalAws.start``."""
        self.url, self.root = url, root
        self._server, self._temporary = server, temporary

    @classmethod
    def start(cls, root: Path | str | None = None, port: int = 0) -> Self:
        """Start the server and wait until it listens.

        Args:
            root: folder for logs and job folders; a temporary one, removed at the end, when None.
            port: of 127.0.0.1; any free one when 0.

        Raises:
            RuntimeError: it did not start; the message says where its log is, and shows the log's end.
        """
        folder = Path(tempfile.mkdtemp(prefix="localaws-") if root is None else root).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        address, log = folder / "address", folder / "localaws.log"
        address.unlink(missing_ok=True)
        command = [sys.executable, "-m", "localaws.gateway", str(folder), str(port)]
        with log.open("wb") as output:
            here = Path(__file__).resolve().parents[1]  # where `-m` finds us
            environment = {**os.environ, "MINISTACK_REGION": aws.REGION}
            server = Child(command, env=environment, cwd=here, output=output.fileno())
        deadline = time.monotonic() + START_SECONDS
        while server.running() and time.monotonic() < deadline:
            if address.exists():
                return cls(server, address.read_text(), folder, temporary=root is None)
            time.sleep(0.05)
        server.stop()
        end = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the embedded AWS did not start; its log {log} ends with:\n{end}")

    @property
    def env(self) -> dict[str, str]:
        """The AWS_* variables that point a tool (the CDK, the AWS CLI, an SDK) at this AWS."""
        return aws.environment(self.url)

    def client(self, service: str) -> Any:
        """A boto3 client for ``service`` (a name such as ``s3`` or ``sagemaker-runtime``)."""
        return aws.client_to(service, self.url)

    def inject(self, machine: str, state: str, **fault: Any) -> None:
        """Let a state of a state machine meet a fault; what there is: `localaws/faults.py`."""
        self._faults("POST", {"machine": machine, "state": state, **fault})

    def clear_faults(self) -> list[dict[str, Any]]:
        """Remove all faults; returns those that were there, with the `times` that are left."""
        left = self._faults("GET")
        self._faults("DELETE")
        return left

    def _faults(self, method: str, fault: object = None) -> list[dict[str, Any]]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        try:
            connection.request(method, "/_localaws/faults", json.dumps(fault))
            answer: list[dict[str, Any]] = json.load(connection.getresponse())
            return answer
        finally:
            connection.close()

    def wait(self) -> None:
        """Wait until the server ends."""
        self._server.wait()

    def stop(self) -> None:
        """Stop the server and every job and endpoint that it runs. Calling it again does nothing."""
        self._server.stop()
        if self._temporary:
            shutil.rmtree(self.root, ignore_errors=True)

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()
