"""A job: work in a fresh folder shaped like /opt/ml, supervised by a thread for as long as it lives."""

import json
import logging
import os
import shutil
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ministack.core.concurrency import spawn_background

from localaws import aws
from localaws.api import Json, invalid, operation
from localaws.children import Child
from localaws.events import publish
from localaws.logs import LogStream
from localaws.resources import Collection, now
from localaws.storage import TransferError

logger = logging.getLogger(__name__)

OPT_ML = "/opt/ml"
GRACE_SECONDS = 10.0  # between SIGTERM and SIGKILL; SageMaker gives 120
RUNTIME_SECONDS = 86_400  # unless the request says MaxRuntimeInSeconds
REASON_LENGTH = 1024

folder = Path()  # under which job folders are made


def use(root: Path) -> None:
    """Make job folders under ``root``, whose path must mean nothing to a shell."""
    global folder
    folder = root
    folder.mkdir(parents=True, exist_ok=True)
    # The training toolkit splits its `pip install` command at spaces; this Python's own path may have some.
    (folder / "python").unlink(missing_ok=True)
    (folder / "python").symlink_to(sys.prefix)


def python() -> Path:
    """This Python, by a path without spaces."""
    return folder / "python/bin" / Path(sys.executable).name


def container_environment(base: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that stands for a container.

    It is ours, without what would steer its Python, and ``given``, with /opt/ml replaced by ``base``.
    """
    steering = ("AWS_", "SM_", "SAGEMAKER_", "MINISTACK_", "LOCALAWS_", "PYTHONPATH")
    return {
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin as they wait slow a busy machine down tenfold
        **{key: value for key, value in os.environ.items() if not key.startswith(steering)},
        **aws.environment(*aws.here()),
        "PATH": os.pathsep.join([str(python().parent), os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "SAGEMAKER_BASE_DIR": str(base),
        **{key: value.replace(OPT_ML, str(base)) for key, value in given.items()},
    }


class Job(ABC):
    """One job. Subclasses say what it does."""

    @staticmethod
    @abstractmethod
    def check(request: Json) -> None:
        """Raise an ApiError for a request that cannot be run."""

    @abstractmethod
    def work(self) -> tuple[str, str, str]:
        """Do it, until ``stopping`` is set; returns status, secondary status and failure reason."""

    def phase(self, secondary: str) -> None:  # noqa: B027 (only training jobs tell their phase)
        """Tell how far the job is."""

    def __init__(self, jobs: Collection, record: Json) -> None:
        """Make the job's folder and its log stream, and start its supervisor."""
        self.jobs, self.record, self.name = jobs, record, str(record[jobs.name])
        self.kind = jobs.shape.removesuffix("Job")  # Training, Processing or Transform
        self.base = folder / jobs.noun / self.name
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir(parents=True)
        self.stopping = threading.Event()
        self._broken = ""
        self._time = time.time_ns() // 10**6
        self.log = self.open_log(self.host(1))
        record["job"] = self
        self.phase("Starting")
        spawn_background(self._supervise)

    def host(self, number: int) -> str:
        """What the streams of a machine of the job's are called."""
        return f"algo-{number}-{self._time}"

    def open_log(self, stream: str) -> LogStream:
        """Make a log stream of the job's."""
        return LogStream(f"/aws/sagemaker/{self.jobs.shape}s", f"{self.name}/{stream}")

    def stop(self) -> None:
        """Ask the job to stop."""
        status = self.record[self.jobs.status]
        if status not in ("InProgress", "Stopping"):
            raise invalid(f"The request was rejected because the job {self.name} is in status {status}.")
        self.update(**{self.jobs.status: "Stopping"})
        self.phase("Stopping")
        self.stopping.set()

    def break_down(self, reason: str) -> None:
        """Make the job end as Failed for this reason, whatever it is at."""
        self._broken = reason
        self.stopping.set()

    def here(self, text: str) -> str:
        """The text with the job's folder in place of /opt/ml."""
        return text.replace(OPT_ML, str(self.base))

    def update(self, **fields: Any) -> None:
        """Change the record."""
        self.record.update(fields, LastModifiedTime=now())

    def started(self) -> None:
        """Tell that the work proper begins."""
        self.phase(self.kind)
        self.update(**{f"{self.kind}StartTime": now()})

    def _supervise(self) -> None:
        publish(self.jobs, self.record)
        try:
            status, secondary, failure = self.work()
            if self._broken:
                status, secondary, failure = "Failed", "Failed", self._broken
        except TransferError as error:
            status, secondary, failure = "Failed", "Failed", f"ClientError: {error}"
        except Exception as error:
            logger.exception("%s %s", self.jobs.noun, self.name)
            status, secondary, failure = "Failed", "Failed", f"InternalServerError: {error!r}"
        self.phase(secondary)
        end = {f"{self.kind}EndTime": now(), self.jobs.status: status}
        self.update(**end, **({"FailureReason": failure[:REASON_LENGTH]} if failure else {}))
        publish(self.jobs, self.record)


class ProcessJob(Job):
    """A job that is one process. Subclasses say what is fetched, run and delivered."""

    @abstractmethod
    def fetch(self) -> None:
        """Bring the inputs into the folder."""

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]:
        """Arguments of the process, and what its environment has besides the request's."""

    @abstractmethod
    def deliver(self, status: int) -> str:
        """Upload what a process left that ended with ``status``; returns FailureReason, if that is not 0."""

    def alongside(self) -> AbstractContextManager[None]:
        """What goes on while the process runs."""
        return nullcontext()

    def read_line(self, line: str) -> None:
        """See one line of the process's output."""

    def write_config(self, name: str, content: object) -> None:
        """Write a JSON file, as SageMaker puts it into the container."""
        file = self.base / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content, ensure_ascii=False, default=str), encoding="utf-8")

    def work(self) -> tuple[str, str, str]:
        """Fetch, run, deliver."""
        self.phase("Downloading")
        self.fetch()
        self.started()
        arguments, environment = self.command()
        environment = container_environment(self.base, environment | self.record.get("Environment", {}))
        with self.alongside():
            child = Child([self.here(one) for one in arguments], env=environment, cwd=self.base)
            reader = spawn_background(self.log.follow, child.output, self.read_line)
            late = self._wait(child)
            reader.join()
            status = child.wait()
        stopped = late or self.stopping.is_set()
        if not stopped:
            self.phase("Uploading")
        failure = self.deliver(0 if stopped else status)
        if stopped:
            return "Stopped", "MaxRuntimeExceeded" if late else "Stopped", ""
        return ("Failed", "Failed", failure) if status else ("Completed", "Completed", "")

    def _wait(self, child: Child) -> bool:
        """Wait for the child's end; returns whether it was stopped because its time was over."""
        limit: int = self.record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", RUNTIME_SECONDS)
        deadline = time.monotonic() + limit
        while child.running():
            late: bool = time.monotonic() > deadline
            if late or self.stopping.wait(0.05):
                child.stop(GRACE_SECONDS)
                return late
        return False


def job(jobs: Collection, members: str) -> Callable[[type[Job]], type[Job]]:
    """Make a class of jobs the operations Create (which takes ``members``) and Stop of ``jobs``."""

    def register(kind: type[Job]) -> type[Job]:
        def create(request: Json) -> Json:
            kind.check(request)
            record = jobs.add(request, **{jobs.status: "InProgress"})
            kind(jobs, record)
            return record

        operation(f"Create{jobs.shape}", members)(create)
        operation(f"Stop{jobs.shape}", jobs.name)(lambda request: jobs.get(request[jobs.name])["job"].stop())
        return kind

    return register
