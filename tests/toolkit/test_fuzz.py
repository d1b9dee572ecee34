"""Hostile requests by the thousand through the toolkit's server."""

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.toolkit.asking import GOOD, Answer, Connection
from tests.toolkit.cases import CSV, JSON, JSON_LINES, PLAIN
from tests.toolkit.hostile import ROUND, Hostile, hostile_requests
from tests.toolkit.server import ToolkitServer

ROUNDS = 5
WARM_ROUNDS = 3  # of those, until the memory is about as large as it gets
SEED = 8
CONNECTIONS = 4
SECONDS = 20  # for an answer, with those before it in the queue
GOOD_EVERY = 100  # requests
# MB. The heap is in pieces after the huge ones: it grows for some 60,000 requests, and no more until 170,000.
GROWTH = 48


class Attack:
    """Hostile requests over several connections; what is wrong with the answers is collected."""

    def __init__(self, server: ToolkitServer) -> None:
        self._server = server
        self._requests = enumerate(hostile_requests(SEED), 1)
        self._lock = threading.Lock()
        self._right = server.ask(*GOOD)
        self.faults: list[str] = []

    def send(self, number: int) -> int:
        """Send so many more; returns the bytes of memory that the worker has then."""
        some = itertools.islice(self._requests, number)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(self._send, [some] * CONNECTIONS))
        # What a huge one took is given back after it.
        assert self._server.ask(*GOOD) == self._right
        return int(self._server.worker().memory_info().rss)

    def _send(self, requests: Iterator[tuple[int, Hostile]]) -> None:
        with Connection(self._server.port, SECONDS) as connection:
            while True:
                with self._lock:
                    number, request = next(requests, (0, None))
                if request is None:
                    return
                try:
                    wrong = fault(request, connection.ask(*request))
                    if number % GOOD_EVERY == 0 and connection.ask(GOOD[0], GOOD[1].items()) != self._right:
                        wrong = "a good request is answered otherwise after it"
                except OSError as error:
                    wrong = repr(error)
                if wrong:
                    headers = [(name, value[:80]) for name, value in request.headers]
                    self.faults.append(f"{number}: {headers} {request.body[:300]!r}: {wrong}")


def fault(request: Hostile, answer: Answer) -> str | None:
    """What is wrong with the answer, or None."""
    try:
        if answer.status == 200 and answer.content_type in (JSON, JSON_LINES, CSV):
            number = answers(answer)
            if number != (lines(request) or number):
                return f"{number} answers for {lines(request)} lines"
        elif answer.status in (400, 406, 413, 415):
            # The second is the toolkit's own.
            assert json.loads(answer.body).keys() in ({"error"}, {"code", "type", "message"})
        else:
            return str(answer)
    except (ValueError, AssertionError) as error:
        return f"{error!r} {answer}"
    return None


def answers(answer: Answer) -> int:
    """The number of texts that are answered."""
    if answer.content_type == JSON:
        return len(json.loads(answer.body))
    found = answer.body.decode().splitlines()
    if answer.content_type == JSON_LINES:
        found = [json.loads(line) for line in found]
    return len(found)


def lines(request: Hostile) -> int | None:
    """The number of lines in the body, each of which must be answered; None if it is not one of lines."""
    kinds = [value for name, value in request.headers if name.lower().startswith("content")]
    if len(kinds) != 1 or kinds[0] not in (JSON_LINES, CSV, PLAIN):
        return None
    return request.body.count(b"\n") + (not request.body.endswith(b"\n"))


optimised = pytest.mark.parametrize("archive", ["optimised"], indirect=True)


@optimised
def test_hostile_requests_do_no_harm(toolkit: ToolkitServer) -> None:
    assert ROUNDS * ROUND >= 20_000
    attack, worker = Attack(toolkit), toolkit.worker()
    warm = attack.send(WARM_ROUNDS * ROUND)
    grown = attack.send((ROUNDS - WARM_ROUNDS) * ROUND) - warm
    assert not attack.faults, "\n".join(attack.faults[:20])
    assert toolkit.worker() == worker
    assert grown < GROWTH * 2**20


@optimised
def test_a_huge_request_that_is_refused_leaves_nothing_behind(toolkit: ToolkitServer) -> None:
    taken = []
    for _ in range(10):
        assert toolkit.ask(b"\n" * 6_000_000, {"Content-Type": PLAIN}).status == 413
        taken.append(toolkit.worker().memory_info().rss)
    # Each is 48 MB as a list of lines.
    assert taken[-1] < taken[3] + GROWTH * 2**20
