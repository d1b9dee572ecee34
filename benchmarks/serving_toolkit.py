"""The sides of benchmarks/serving.py behind SageMaker's inference toolkit and its model server."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from tests.toolkit.asking import JSON, Connection
from tests.toolkit.server import ToolkitServer

# What the worker writes at the end of each part of a start.
_PARTS = ("Connection accepted", "nference script implementation", "Model model loaded io_fd")


class ServerStart(NamedTuple):
    """Seconds from the start of the server's process to the first answer, by their parts."""

    server: float
    """Python, Java, and the worker's process."""
    imports: float
    """The toolkit's own, transformers among them."""
    load: float
    """The import of the archive's handlers, where it has some, and their loading of the model."""
    first: float


def parts(log: str, began: float, answered: float) -> ServerStart:
    """Divide the time from `began` to the first answer, in seconds since 1970, by what the server logged."""
    marks = [began]
    for part in _PARTS:
        found = re.search(rf"^(\S+) .*{part}", log, re.MULTILINE)
        assert found, f"the server's log does not say {part!r}:\n{log}"
        marks.append(datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S,%f").timestamp())
    marks.append(answered)
    return ServerStart(*(end - start for start, end in pairwise(marks)))


def start_of(server: ToolkitServer) -> ServerStart:
    """Return how long it took a server that has just answered for the first time."""
    answered = time.time()
    ancestors = [server.worker(), *server.worker().parents()]
    began = next(process.create_time() for process in ancestors if process.ppid() == os.getpid())
    return parts(server.log(1_000_000), began, answered)


class Served:
    """What was measured of one side."""

    def __init__(self, server: ToolkitServer) -> None:
        """Take a server that has just answered for the first time."""
        self.start = start_of(server)
        self.single: list[float] = []
        """Seconds of each request for one text."""
        self.resident = 0
        """Bytes of the process that runs the handlers, the most that was seen after an answer."""
        self._worker = server.worker()
        self._port = server.port

    def ask(self, texts: Sequence[str]) -> list[float]:
        """Send a request for each text, on one connection; the seconds that each took."""
        taken = []
        with Connection(self._port, timeout=30) as connection:
            for text in texts:
                body = json.dumps({"inputs": text}, ensure_ascii=False).encode()
                began = time.perf_counter()
                answer = connection.ask(body, JSON.items())
                taken.append(time.perf_counter() - began)
                assert answer.status == 200, answer
        self.resident = max(self.resident, self._worker.memory_info().rss)
        return taken
