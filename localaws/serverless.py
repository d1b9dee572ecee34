"""The instances of a serverless endpoint: they start when they are asked, and stop when nobody asks."""

import os
import threading
import time
from collections.abc import Callable

from ministack.core.concurrency import spawn_background

from localaws.serving import Answer, ModelServer, StartError

# AWS does not say how long an instance stays warm.
IDLE_SECONDS = float(os.environ.get("LOCALAWS_IDLE_SECONDS", "60"))


class Instances:
    """Model servers that take one request at a time each; how many there may be is the caller's to limit."""

    def __init__(self, start: Callable[[], ModelServer], provisioned: int) -> None:
        """Start the ``provisioned`` ones, which stay warm.

        Without any, one is started and stopped again: as on AWS, an endpoint whose model does not serve is
        not created (a StartError).
        """
        self._start, self._provisioned = start, provisioned
        self._lock = threading.Lock()
        self._running: set[ModelServer] = set()
        self._idle: list[tuple[float, ModelServer]] = []  # since when; the longest idle first
        self._stopped = threading.Event()
        try:
            for server in [self._started() for _ in range(provisioned or 1)]:
                self._rest(server)
        except BaseException:
            self.stop()
            raise
        self._retire(0)
        spawn_background(self._watch)

    def request(self, method: str, path: str, body: bytes, headers: dict[str, str], timeout: float) -> Answer:
        """One HTTP request, as ModelServer's; it may have to wait for a start, whose StartError it raises."""
        server = self._warm() or self._started()
        try:
            answer = server.request(method, path, body, headers, timeout)
        except OSError:  # killed, or stuck
            self._end(server)
            raise
        self._rest(server)
        return answer

    def stop(self) -> None:
        """End all of them."""
        self._stopped.set()
        with self._lock:
            servers = list(self._running)
        for server in servers:
            self._end(server)

    def _started(self) -> ModelServer:
        server = self._start()
        with self._lock:
            self._running.add(server)
        if self._stopped.is_set():
            self._end(server)
            raise StartError("The endpoint was deleted or updated meanwhile")
        return server

    def _warm(self) -> ModelServer | None:
        """The one that rests for the shortest time, if any does."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                _, server = self._idle.pop()
            if server.running():
                return server
            self._end(server)

    def _rest(self, server: ModelServer) -> None:
        with self._lock:
            self._idle.append((time.monotonic(), server))

    def _end(self, server: ModelServer) -> None:
        with self._lock:
            self._running.discard(server)
        server.stop()

    def _retire(self, seconds: float) -> None:
        """End those that have been idle for so long, but the provisioned."""
        while True:
            with self._lock:
                spare = len(self._running) > self._provisioned
                if not (spare and self._idle and self._idle[0][0] <= time.monotonic() - seconds):
                    return
                _, server = self._idle.pop(0)
            self._end(server)

    def _watch(self) -> None:
        while not self._stopped.wait(min(1.0, IDLE_SECONDS / 4)):
            self._retire(IDLE_SECONDS)
