"""A model server: one process that serves one model, from its archive to its end."""

import contextvars
import http.client
import shutil
import sys
import tarfile
import threading
import time
import zlib
from pathlib import Path

from ministack.core.responses import new_uuid

from localaws import jobs, storage
from localaws.api import ApiError
from localaws.children import Child
from localaws.logs import LogStream
from localaws.models import models
from localaws.resources import Record

SERVER = Path(__file__).with_name("model_server.py")
START_SECONDS = 120  # unless the variant says ContainerStartupHealthCheckTimeoutInSeconds
LOG_LENGTH = 600  # characters of the log's end in a failure's reason
# Threads of the mathematics libraries in each model server, so that two of them leave the machine usable.
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class StartError(Exception):
    """A model server that does not serve; the message says why, as FailureReason."""


class ModelServer:
    """A process that serves the model of an endpoint configuration, in a folder of its own."""

    def __init__(self, endpoint: str, config: Record) -> None:
        """Download and extract the archive, start the server and wait until it answers /ping.

        Raises:
            StartError: it does not.
        """
        self.config = config
        [self.variant] = config["ProductionVariants"]
        self.busy = 0  # requests in flight; endpoints.py counts them
        self._base = jobs.folder / "endpoint" / endpoint / new_uuid()[:8]
        stream = f"{self.variant['VariantName']}/i-{new_uuid()[-12:]}"
        self._log = LogStream(f"/aws/sagemaker/Endpoints/{endpoint}", stream)
        self._child: Child | None = None
        try:
            self._start(*self._extract())
        except BaseException:
            self.stop()
            raise

    def _extract(self) -> tuple[Path, dict[str, str]]:
        """Folder of the model, and the environment that it is to have."""
        folder, archive = self._base / "model", self._base / "model.tar.gz"
        folder.mkdir(parents=True)
        try:
            source = models.get(self.variant["ModelName"])["source"]
            storage.download(source["ModelDataUrl"], archive)
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        except (ApiError, storage.TransferError) as error:
            raise StartError(str(error)) from error
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            what = f"Failed to extract model data archive from {source['ModelDataUrl']}"
            raise StartError(f"{what}: {error}") from error
        archive.unlink()
        return folder, source["Environment"]

    def _start(self, folder: Path, given: dict[str, str]) -> None:
        address = self._base / "address"
        environment = jobs.container_environment(self._base, THREADS | given)
        self._child = Child(
            [sys.executable, str(SERVER), str(folder), str(address)], env=environment, cwd=self._base
        )
        follow = (self._log.follow, self._child.output)
        reader = threading.Thread(target=contextvars.copy_context().run, args=follow, daemon=True)
        reader.start()
        limit = self.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", START_SECONDS)
        deadline = time.monotonic() + limit
        why = f"It did not answer 200 in {limit} seconds"
        while time.monotonic() < deadline:
            if not self._child.running():
                reader.join(5)
                why = f"It ended with exit code {self._child.wait()}"
                break
            if address.exists():
                self._address = address.read_text()
                if self._ping():
                    return
            time.sleep(0.05)
        raise StartError(
            f"The primary container for production variant {self.variant['VariantName']} did not pass the "
            f"ping health check. Please check CloudWatch logs for this endpoint. {why}:\n"
            + "\n".join(self._log.last)[-LOG_LENGTH:]
        )

    def _ping(self) -> bool:
        try:
            return self.request("GET", "/ping", b"", {}, timeout=5)[0] == 200
        except OSError:
            return False

    def request(
        self, method: str, path: str, body: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[int, str, bytes]:
        """One HTTP request; returns status, content type and body.

        Raises:
            OSError: the server does not answer.
        """
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
