from __future__ import annotations

from benchmarks.serving_toolkit import Served
from tests.toolkit.server import ToolkitServer


def test_the_benchmark_finds_the_parts_of_a_servers_start(toolkit: ToolkitServer) -> None:
    start = Served(toolkit).start
    assert all(0 < part < 120 for part in (start.server, start.imports, start.load))


def test_the_benchmark_measures_each_request_and_the_memory_of_the_handlers(toolkit: ToolkitServer) -> None:
    served = Served(toolkit)
    taken = served.ask(["재미있어요", "별로"])
    assert len(taken) == 2
    assert all(0 < seconds < 30 for seconds in taken)
    assert 10_000_000 < served.resident < 2_000_000_000
