"""Right requests over several connections at once, for minutes."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from tests.toolkit.asking import JSON, Connection
from tests.toolkit.cases import CSV, JSON_LINES, KOREAN, TEXTS
from tests.toolkit.server import ToolkitServer

SECONDS = 120
WARM_SECONDS = 20  # of those, until the memory is as large as it gets
CONNECTIONS = 4
GROWTH = 16  # MB

LINES = "".join(f"{json.dumps(text)}\n" for text in TEXTS)
REQUESTS = [
    *((json.dumps({"inputs": text}).encode(), JSON) for text in (*TEXTS[:4], *KOREAN.values())),
    (json.dumps({"inputs": TEXTS}).encode(), JSON),
    (json.dumps({"inputs": TEXTS, "parameters": {"top_k": 2}}).encode(), JSON),
    (LINES.encode(), {"Content-Type": JSON_LINES}),
    ("\n".join(TEXTS).encode(), {"Content-Type": CSV, "Accept": JSON_LINES}),
]


@pytest.mark.parametrize("archive", ["optimised"], indirect=True)
def test_under_load_every_answer_is_right_and_the_memory_stays_flat(toolkit: ToolkitServer) -> None:
    expected = [toolkit.ask(*request) for request in REQUESTS]
    assert {answer.status for answer in expected} == {200}
    start, worker = time.monotonic(), toolkit.worker()

    def load(seconds: float) -> Counter[bool]:
        """Whether each answer within so many seconds of the start was as it is without load."""
        right: Counter[bool] = Counter()
        with Connection(toolkit.port, timeout=10) as connection:
            for (body, headers), answer in cycle(zip(REQUESTS, expected, strict=True)):
                if time.monotonic() > start + seconds:
                    break
                right[connection.ask(body, headers.items()) == answer] += 1
        return right

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(load, [WARM_SECONDS] * CONNECTIONS))
        warm = worker.memory_info().rss
        right = sum(pool.map(load, [SECONDS] * CONNECTIONS), Counter())
    print(
        f"{right[True] / (SECONDS - WARM_SECONDS):.0f} requests/s, {worker.memory_info().rss / 2**20:.0f} MB"
    )
    assert not right[False]
    assert worker.memory_info().rss < warm + GROWTH * 2**20
