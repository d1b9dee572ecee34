"""A model server: one process that serves one model, from its archive to its end."""

import contextlib
import http.client
import shutil
import sys
import tarfile
import time
import zlib
from pathlib import Path

from ministack.core.concurrency import spawn_background

from localaws import jobs, storage
from localaws.api import ApiError
from localaws.children import Child
from localaws.logs import LogStream
from localaws.models import models

SERVER = Path(__file__).with_name("model_server.py")
START_SECONDS = 120  # unless the variant says ContainerStartupHealthCheckTimeoutInSeconds
LOG_LENGTH = 600  # characters of the log's end in a failure's reason
# Threads of the mathematics libraries in each model server, so that two of them leave the machine usable.
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class StartError(Exception):
    """A model server that does not serve; the message says why, as FailureReason."""


class ModelServer:
    """A process that serves a model, in a folder of its own."""

    def __init__(
        self,
        model: str,
        base: Path,
        log: LogStream,
        *,
        title: str,
        environment: dict[str, str] | None = None,
        seconds: float = START_SECONDS,
    ) -> None:
        """Download and extract the archive, start the server, wait for its /ping, or a StartError.

        ``title`` is what that error calls the server; ``environment`` goes before the model's own.
        """
        self._base, self._log = base, log
        self._child: Child | None = None
        try:
            self._start(self._extract(model) | (environment or {}), title, seconds)
        except BaseException:
            self.stop()
            raise

    def _extract(self, model: str) -> dict[str, str]:
        """Put the model into its folder; returns the environment that it is to have."""
        try:
            source = models.get(model)["source"]
            url: str | None = source["ModelDataUrl"]
            if url is None:
                name = source["Environment"]["HF_MODEL_ID"]
                raise StartError(f"localaws has no Hugging Face Hub to take the model {name!r} from")
            storage.download(url, self._base)
            with tarfile.open(self._base / url.rpartition("/")[2]) as tar:
                tar.extractall(self._base / "model", filter="data")
        except (ApiError, storage.TransferError) as error:
            raise StartError(str(error)) from error
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise StartError(f"Failed to extract model data archive from {url}: {error}") from error
        environment: dict[str, str] = source["Environment"]
        return environment

    def _start(self, given: dict[str, str], title: str, seconds: float) -> None:
        address = self._base / "address"
        self._child = Child(
            [sys.executable, str(SERVER), str(self._base / "model"), str(address)],
            env=jobs.container_environment(self._base, THREADS | given),
            cwd=self._base,
        )
        reader = spawn_background(self._log.follow, self._child.output)
        deadline = time.monotonic() + seconds
        why = f"It did not answer 200 in {seconds} seconds"
        while time.monotonic() < deadline:
            if not self._child.running():
                reader.join(5)
                why = f"It ended with exit code {self._child.wait()}"
                break
            with contextlib.suppress(OSError):  # not yet
                self._address = address.read_text()
                if self.request("GET", "/ping", b"", {}, timeout=5)[0] == 200:
                    return
            time.sleep(0.05)
        raise StartError(
            f"{title} did not pass the ping health check. Please check CloudWatch logs. {why}:\n"
            + "\n".join(self._log.last)[-LOG_LENGTH:]
        )

    def request(
        self, method: str, path: str, body: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[int, str, bytes]:
        """One HTTP request; returns status, content type and body. An OSError means no answer."""
        connection = http.client.HTTPConnection(self._address, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers.get("Content-Type", ""), response.read()
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from error
        finally:
            connection.close()

    def stop(self) -> None:
        """End the process and remove its folder."""
        if self._child:
            self._child.stop(grace=1)
        shutil.rmtree(self._base, ignore_errors=True)
