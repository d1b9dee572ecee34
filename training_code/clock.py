"""Where the time of a training goes."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Clock:
    """Adds up the seconds of named parts; on a GPU those that the device took, without waiting for it."""

    def __init__(self, device: torch.device) -> None:
        """Measure what runs on `device`."""
        self._cuda = device.type == "cuda"
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._events: list[tuple[str, torch.cuda.Event, torch.cuda.Event]] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure what runs inside as part of `name`."""
        if self._cuda:
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            yield
            end.record()
            self._events.append((name, begin, end))
        else:
            started = time.perf_counter()
            yield
            self._seconds[name] += time.perf_counter() - started

    def restore(self, seconds: dict[str, float]) -> None:
        """Go on from what an interrupted training had measured."""
        self._seconds = defaultdict(float, seconds)

    @property
    def seconds(self) -> dict[str, float]:
        """Name → seconds so far; waits for the device."""
        if self._events:
            torch.cuda.synchronize()
            for name, begin, end in self._events:
                self._seconds[name] += begin.elapsed_time(end) / 1000
            self._events.clear()
        return {name: round(value, 3) for name, value in self._seconds.items()}
