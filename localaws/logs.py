"""Shipping a child's output to CloudWatch Logs while it runs."""

import contextlib
import os
import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from localaws import aws

FLUSH_SECONDS = 0.5
LONGEST = 200_000  # characters of one event; CloudWatch Logs takes 256 KB
BATCH = 1_000
KEPT = 40


class LogStream:
    """A log stream of CloudWatch Logs that a child's output is written to, line by line."""

    def __init__(self, group: str, stream: str) -> None:
        """Make the stream, and its group when there is none."""
        self.group, self.stream = group, stream
        self.last: deque[str] = deque(maxlen=KEPT)
        self._logs = aws.client("logs")
        self._events: list[dict[str, Any]] = []
        with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_group(logGroupName=group)
        self._logs.create_log_stream(logGroupName=group, logStreamName=stream)

    def follow(self, output: int, each: Callable[[str], None] = lambda line: None) -> None:
        """Ship what comes out of the descriptor ``output`` until its end; ``each`` sees every line."""
        rest, flushed, open_ = b"", time.monotonic(), True
        while open_:
            if select.select([output], [], [], FLUSH_SECONDS)[0]:
                data = os.read(output, 65_536)
                open_ = bool(data)
                *lines, rest = (rest + data).split(b"\n")
                if not open_ and rest:
                    lines.append(rest)
                for line in lines:
                    text = line.decode(errors="replace").rstrip("\r")
                    each(text)
                    self.write(text)
            if time.monotonic() - flushed >= FLUSH_SECONDS or not open_:
                self.flush()
                flushed = time.monotonic()

    def write(self, line: str) -> None:
        """Take one line; an empty one is dropped, as CloudWatch Logs has no empty events."""
        if line.strip():
            self.last.append(line)
            self._events.append({"timestamp": int(time.time() * 1000), "message": line[:LONGEST]})

    def flush(self) -> None:
        """Ship what was taken."""
        while self._events:
            batch, self._events = self._events[:BATCH], self._events[BATCH:]
            self._logs.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=batch)
