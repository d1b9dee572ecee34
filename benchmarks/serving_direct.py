"""The sides of benchmarks/serving.py without a server: handlers, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

WORKER = Path(__file__).with_name("serving_worker.py")


Row = dict[str, str]
"""A review: `text` and `label`."""


class ColdStart(NamedTuple):
    """Seconds from before the handlers' import to the first answer, by their parts."""

    imports: float
    load: float
    first: float


class Worker:
    """A process that has loaded a model, and answers."""

    def __init__(self, code: Path, model: Path, log: Path) -> None:
        """Load the folder `model` with the handlers in `code`; what they print goes to `log`.

        Raises:
            SystemExit: they failed.
        """
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(WORKER), str(code), str(model)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
            )
        self._memory = psutil.Process(self._process.pid)
        self.cold_start = ColdStart(**json.loads(self._read()))
        self.resident = 0
        """Bytes of memory, the most that was seen after an answer."""

    def ask(self, requests: Sequence[str | Sequence[str]]) -> list[tuple[float, list[str]]]:
        """Send requests, each a text or some, one after the other: the seconds and the labels of each."""
        assert self._process.stdin is not None
        bodies = [json.dumps({"inputs": inputs}, ensure_ascii=False) for inputs in requests]
        print(json.dumps(bodies), file=self._process.stdin, flush=True)
        answers = json.loads(self._read())
        self.resident = max(self.resident, self._memory.memory_info().rss)
        return [(seconds, [one["label"] for one in json.loads(answer)]) for seconds, answer in answers]

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self._log.read_text(encoding='utf-8')}\nthe handlers failed: nothing was measured")
        return line

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


@dataclass
class Direct:
    """What was measured of one side."""

    cold_starts: list[ColdStart] = field(default_factory=list)
    single: list[float] = field(default_factory=list)
    """Seconds of each request for one text."""
    bulk_seconds: float = 0
    """Of all requests for many texts."""
    right: list[bool] = field(default_factory=list)
    """Of each of those texts, whether its label is that of its row."""
    resident: int = 0
    """Bytes of memory, the most that was seen after an answer."""

    def add(self, worker: Worker, single: Sequence[Row], bulk: Sequence[Row]) -> None:
        """Ask for texts alone, and for some in a list."""
        self.single += [seconds for seconds, _ in worker.ask([row["text"] for row in single])]
        ((seconds, labels),) = worker.ask([[row["text"] for row in bulk]])
        self.bulk_seconds += seconds
        self.right += [label == row["label"] for label, row in zip(labels, bulk, strict=True)]
        self.resident = worker.resident
