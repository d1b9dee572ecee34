"""A job: a process in a fresh folder shaped like /opt/ml, supervised by a thread for as long as it lives."""

import contextvars
import json
import logging
import os
import shutil
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localaws import aws
from localaws.api import Answer, invalid
from localaws.children import Child
from localaws.events import publish
from localaws.logs import LogStream
from localaws.resources import Collection, Record, now
from localaws.storage import TransferError

logger = logging.getLogger(__name__)

OPT_ML = "/opt/ml"
GRACE_SECONDS = 10.0  # between SIGTERM and SIGKILL; SageMaker gives 120
REASON_LENGTH = 1024

folder = Path()  # under which job folders are made; set by plugins.install


def container_environment(base: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that stands for a container.

    It is ours, without what would steer its Python, and ``given``, with /opt/ml replaced by ``base``.
    """
    steering = ("AWS_", "SM_", "SAGEMAKER_", "MINISTACK_", "PYTHONPATH")
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(steering)},
        **aws.environment_here(),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "SAGEMAKER_BASE_DIR": str(base),
        **{key: value.replace(OPT_ML, str(base)) for key, value in given.items()},
    }


class Job(ABC):
    """One training or processing job. Subclasses say what is fetched, run and delivered."""

    def __init__(self, collection: Collection, record: Record) -> None:
        """Make the job's folder and its log stream; ``start`` starts it."""
        self.collection, self.record = collection, record
        self.name: str = record[collection.name]
        self.kind = collection.shape.removesuffix("Job")  # Training or Processing
        self.base = folder / collection.noun / self.name
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir(parents=True)
        self._stopping = threading.Event()
        stream = f"{self.name}/algo-1-{int(time.time() * 1000)}"
        self._log = LogStream(f"/aws/sagemaker/{collection.shape}s", stream)

    @abstractmethod
    def fetch(self) -> None:
        """Bring the inputs into the folder."""

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]:
        """Arguments and environment of the process."""

    @abstractmethod
    def deliver(self, failed: bool) -> None:
        """Upload what the process left."""

    @abstractmethod
    def reason(self, status: int) -> str:
        """FailureReason for a process that ended with ``status``."""

    def read_line(self, line: str) -> None:  # noqa: B027 (not every job reads its own output)
        """See one line of the process's output."""

    def phase(self, secondary: str) -> None:  # noqa: B027 (only training jobs tell their phase)
        """Tell how far the job is."""

    def start(self) -> Answer:
        """Start the supervisor; returns the Create operation's answer."""
        self._thread(self._supervise)
        identifier = f"{self.collection.shape}Arn"
        return {identifier: self.record[identifier]}

    def stop(self) -> Answer:
        """Ask the job to stop; returns the Stop operation's answer.

        Raises:
            ApiError: it has ended.
        """
        status = self.record[f"{self.collection.shape}Status"]
        if status not in ("InProgress", "Stopping"):
            what = self.collection.noun.replace("-", " ")
            raise invalid(f"The request was rejected because the {what} is in status {status}.")
        self.update(**{f"{self.collection.shape}Status": "Stopping"})
        self.phase("Stopping")
        self._stopping.set()
        return {}

    def update(self, **fields: Any) -> None:
        """Change the record."""
        self.record.update(fields, LastModifiedTime=now())

    def write_config(self, name: str, content: object) -> None:
        """Write a JSON file, as SageMaker puts it into the container."""
        file = self.base / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content, ensure_ascii=False, default=str), encoding="utf-8")

    def _thread(self, function: Any, *arguments: Any) -> threading.Thread:
        """A thread in the account and region of the request that is being answered."""
        run = contextvars.copy_context().run
        thread = threading.Thread(target=run, args=(function, *arguments), daemon=True)
        thread.start()
        return thread

    def _supervise(self) -> None:
        self._announce()
        try:
            status, secondary, failure = self._run()
        except TransferError as error:
            status, secondary, failure = "Failed", "Failed", f"ClientError: {error}"
        except Exception as error:
            logger.exception("%s %s", self.collection.noun, self.name)
            status, secondary, failure = "Failed", "Failed", f"InternalServerError: {error!r}"
        self.phase(secondary)
        end = {f"{self.kind}EndTime": now(), f"{self.collection.shape}Status": status}
        self.update(**end, **({"FailureReason": failure[:REASON_LENGTH]} if failure else {}))
        self._announce()

    def _run(self) -> tuple[str, str, str]:
        """Fetch, run, deliver; returns status, secondary status and failure reason."""
        self.phase("Downloading")
        self.fetch()
        self.phase(self.kind)
        self.update(**{f"{self.kind}StartTime": now()})
        arguments, environment = self.command()
        child = Child(arguments, env=environment, cwd=self.base)
        reader = self._thread(self._log.follow, child.output, self.read_line)
        late = self._wait(child)
        reader.join()
        status = child.wait()
        stopped = late or self._stopping.is_set()
        if not stopped:
            self.phase("Uploading")
        self.deliver(failed=status != 0 and not stopped)
        if stopped:
            return "Stopped", "MaxRuntimeExceeded" if late else "Stopped", ""
        return ("Failed", "Failed", self.reason(status)) if status else ("Completed", "Completed", "")

    def _wait(self, child: Child) -> bool:
        """Wait for the child's end; returns whether it was stopped because its time was over."""
        limit: int = self.record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86_400)
        deadline = time.monotonic() + limit
        while child.running():
            late: bool = time.monotonic() > deadline
            if late or self._stopping.wait(0.05):
                child.stop(GRACE_SECONDS)
                return late
        return False

    def _announce(self) -> None:
        detail = self.collection.describe(self.record)
        publish(f"SageMaker {self.kind} Job State Change", self.record[f"{self.collection.shape}Arn"], detail)
