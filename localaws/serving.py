"""A model server: one process that serves one model, from its archive to its end."""

import contextlib
import http.client
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from ministack.core.concurrency import spawn_background

from localaws import hub, jobs, storage
from localaws.api import Json
from localaws.children import Child
from localaws.logs import LogStream

SERVER = Path(__file__).with_name("model_server.py")
START_SECONDS = 120  # unless the variant says ContainerStartupHealthCheckTimeoutInSeconds
LOG_LENGTH = 600  # characters of the log's end in a failure's reason
LOG_SECONDS = 5  # that are waited for its last lines
POLL_SECONDS = 0.5  # between two looks at the memory
# Threads of the mathematics libraries in each model server, so that two of them leave the machine usable.
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class StartError(Exception):
    """A model server that does not serve; the message says why, as FailureReason."""


class Answer(NamedTuple):
    """What a model server answers."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class ModelServer:
    """A process that serves a model, in a folder of its own."""

    def __init__(
        self,
        source: Json,
        base: Path,
        log: LogStream,
        *,
        title: str,
        environment: dict[str, str] | None = None,
        seconds: float = START_SECONDS,
        memory_mb: int | None = None,
    ) -> None:
        """Download and extract the archive, start the server, wait for its /ping, or a StartError.

        ``source`` is a model's; ``title`` is what that error calls the server; ``environment`` goes before
        the model's own. With ``memory_mb``, the process is killed once it has more memory than that resident.
        """
        self._base, self._log = base, log
        self._child: Child | None = None
        self._reader: threading.Thread | None = None
        try:
            self._fetch(source)
            self._start(source["Environment"] | (environment or {}), title, seconds, memory_mb)
        except BaseException:
            self.stop()
            raise

    def _fetch(self, source: Json) -> None:
        """Put the model into its folder."""
        url: str | None = source["ModelDataUrl"]
        if url is None:
            try:
                hub.fetch(source["Environment"]["HF_MODEL_ID"], self._base / "model")
            except (hub.HubError, OSError) as error:
                raise StartError(str(error)) from error
            return
        try:
            storage.download(url, self._base)
        except storage.TransferError as error:
            raise StartError(str(error)) from error
        try:
            storage.extract(self._base / url.rpartition("/")[2], self._base / "model")
        except storage.TransferError as error:
            raise StartError(f"Failed to extract model data archive from {url}: {error}") from error

    def _start(self, given: dict[str, str], title: str, seconds: float, memory_mb: int | None) -> None:
        address = self._base / "address"
        self._child = Child(
            [sys.executable, str(SERVER), str(self._base / "model"), str(address)],
            env=jobs.container_environment(self._base, THREADS | given),
            cwd=self._base,
        )
        self._reader = spawn_background(self._log.follow, self._child.output)
        if memory_mb is not None:
            spawn_background(self._limit, self._child, memory_mb)
        deadline = time.monotonic() + seconds
        why = f"It did not answer 200 in {seconds} seconds"
        while time.monotonic() < deadline:
            if not self._child.running():
                why = f"It ended with exit code {self._child.wait()}"
                self._reader.join(LOG_SECONDS)
                break
            with contextlib.suppress(OSError):  # not yet
                self._address = address.read_text()
                if self.request("GET", "/ping", b"", {}, timeout=5).status == 200:
                    return
            time.sleep(0.05)
        raise StartError(
            f"{title} did not pass the ping health check. Please check CloudWatch logs. {why}:\n"
            + "\n".join(self._log.last)[-LOG_LENGTH:]
        )

    def _limit(self, child: Child, memory_mb: int) -> None:
        """Kill the process as the kernel kills what runs out of memory."""
        while child.running():
            used = child.resident() // 2**20
            if used > memory_mb:
                self._log.write(f"Out of memory: killed at {used} MB, with MemorySizeInMB at {memory_mb}")
                child.kill()
            time.sleep(POLL_SECONDS)

    def running(self) -> bool:
        """Whether its process has not ended."""
        return self._child is not None and self._child.running()

    def request(self, method: str, path: str, body: bytes, headers: dict[str, str], timeout: float) -> Answer:
        """One HTTP request. An OSError means no answer; it is a TimeoutError after ``timeout`` seconds."""
        connection = http.client.HTTPConnection(self._address, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from error
        finally:
            connection.close()

    def stop(self) -> None:
        """End the process, its log being whole then, and remove its folder."""
        if self._child:
            self._child.stop(grace=1)
        if self._reader:
            self._reader.join(LOG_SECONDS)
        shutil.rmtree(self._base, ignore_errors=True)
