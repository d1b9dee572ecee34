"""Shipping a child's output to CloudWatch Logs while it runs."""

import contextlib
import os
import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from localaws import aws

FLUSH_SECONDS = 0.5
LONGEST = 200_000  # characters of one event; CloudWatch Logs takes 256 KB
KEPT = 40


class LogStream:
    """A log stream of CloudWatch Logs that a child's output is written to, line by line."""

    def __init__(self, group: str, stream: str) -> None:
        """Make the stream, and its group when there is none."""
        self.last: deque[str] = deque(maxlen=KEPT)
        self._name = {"logGroupName": group, "logStreamName": stream}
        self._logs = aws.client("logs")
        self._events: list[dict[str, Any]] = []
        with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_group(logGroupName=group)
        self._logs.create_log_stream(**self._name)

    def write(self, *lines: str) -> None:
        """Ship lines of our own, at once."""
        self.last.extend(lines)
        self._ship([_event(line) for line in lines])

    def follow(self, output: int, each: Callable[[str], None] = lambda line: None) -> None:
        """Ship what comes out of the descriptor ``output`` until its end; ``each`` sees every line."""
        rest, flushed, data = b"", time.monotonic(), b"some"
        while data:
            if select.select([output], [], [], FLUSH_SECONDS)[0]:
                data = os.read(output, 65_536)
                *lines, rest = (rest + (data or b"\n")).split(b"\n")
                for line in lines:
                    self._take(line.decode(errors="replace").rstrip("\r"), each)
            if not data or time.monotonic() - flushed >= FLUSH_SECONDS:
                self._flush()
                flushed = time.monotonic()

    def _take(self, line: str, each: Callable[[str], None]) -> None:
        each(line)
        if line.strip():  # CloudWatch Logs has no empty events
            self.last.append(line)
            self._events.append(_event(line))

    def _flush(self) -> None:
        if self._events:
            self._ship(self._events)
            self._events = []

    def _ship(self, events: list[dict[str, Any]]) -> None:
        # Reading must go on, or the writer would block: what cannot be shipped is left out.
        with contextlib.suppress(ClientError):
            self._logs.put_log_events(**self._name, logEvents=events)


def _event(line: str) -> dict[str, Any]:
    return {"timestamp": int(time.time() * 1000), "message": line[:LONGEST]}
