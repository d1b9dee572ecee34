"""How long a model takes to answer, on the machine that asks: told to people, and judged by nothing."""

import statistics
import time
from collections.abc import Sequence
from itertools import cycle, islice
from typing import TypedDict

from rows import Row
from served_model import ServedModel

# Enough for a median, few enough that a test set of some hundred rows is not doubled by it.
_REQUESTS = {1: 21, 64: 5}


class Latency(TypedDict):
    """Medians, in milliseconds, from a request's JSON to the answer's."""

    one_text_ms: float
    batch_of_64_ms: float


def latency(model: ServedModel, rows: Sequence[Row]) -> Latency:
    """Ask a model that has answered before, with rows as they come: short and long ones in one request."""
    medians = {}
    rest = cycle([row.inputs for row in rows])
    for size, requests in _REQUESTS.items():
        times = []
        for _ in range(requests):
            request = list(islice(rest, size))
            start = time.perf_counter()
            model.predict(request)
            times.append(time.perf_counter() - start)
        medians[size] = 1000 * statistics.median(times)
    return {"one_text_ms": medians[1], "batch_of_64_ms": medians[64]}
