"""Starting and stopping the embedded AWS: its public face."""

import os
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localaws.children import Child

START_SECONDS = 60


class LocalAws:
    """An AWS of one's own on 127.0.0.1, for as long as this object is not stopped.

    Use it as a context manager: ``with LocalAws.start() as aws: aws.client("s3").list_buckets()``.
    State is in memory: it goes when the server stops.
    """

    def __init__(self, server: Child, url: str, root: Path, temporary: bool) -> None:
        """Use ``LocalAws.start``."""
        self.url = url
        self.root = root
        self._server = server
        self._temporary = temporary

    @classmethod
    def start(cls, root: Path | str | None = None, port: int = 0) -> Self:
        """Start the server and wait until it answers.

        Args:
            root: folder for logs and job folders; a temporary one, removed at the end, when None.
            port: of 127.0.0.1; any free one when 0.

        Raises:
            RuntimeError: it did not start; the message says where its log is, and shows the log's end.
        """
        temporary = root is None
        folder = Path(tempfile.mkdtemp(prefix="localaws-") if root is None else root).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        address = folder / "address"
        address.unlink(missing_ok=True)
        here = str(Path(__file__).resolve().parents[1])
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])),
        }
        log = folder / "localaws.log"
        with log.open("wb") as output:
            server = Child(
                [sys.executable, "-m", "localaws.gateway", str(folder), str(port)],
                env=environment,
                output=output.fileno(),
            )
        deadline = time.monotonic() + START_SECONDS
        while server.running() and time.monotonic() < deadline:
            if address.exists() and _answers(url := address.read_text()):
                return cls(server, url, folder, temporary)
            time.sleep(0.05)
        server.stop()
        end = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the embedded AWS did not start; its log {log} ends with:\n{end}")

    @property
    def env(self) -> dict[str, str]:
        """The AWS_* variables that point a tool (the CDK, the AWS CLI, an SDK) at this AWS."""
        from localaws import aws

        return aws.environment(self.url)

    def client(self, service: str) -> Any:
        """A boto3 client for ``service`` (a name such as ``s3`` or ``sagemaker-runtime``)."""
        from localaws import aws

        return aws.client_to(self.url, service)

    def wait(self) -> None:
        """Wait until the server ends."""
        self._server.wait()

    def stop(self) -> None:
        """Stop the server and every job and endpoint that it runs. Calling it again does nothing."""
        self._server.stop()
        if self._temporary:
            shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Self:
        """Give the started server."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_ministack/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
