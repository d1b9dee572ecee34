from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.serving_direct import Direct, Worker
from tests.benchmarks import handlers


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(handlers.write(tmp_path / "code"), tmp_path, tmp_path / "log")
    yield worker
    worker.stop()


def test_it_tells_the_labels_and_the_seconds_of_each_request(worker: Worker) -> None:
    (alone, labels), (together, more) = worker.ask(["좋아요", ["별로", "ㅋㅋ"]])
    assert (labels, more) == (["좋아요"], ["별로", "ㅋㅋ"])
    assert 0 < alone < 1
    assert 0 < together < 1


def test_it_tells_the_parts_of_a_cold_start(worker: Worker) -> None:
    assert all(0 < part < 1 for part in worker.cold_start)


def test_it_tells_what_memory_the_process_has(worker: Worker) -> None:
    worker.ask(["좋아요"])
    assert 5_000_000 < worker.resident < 100_000_000


def test_what_the_handlers_print_goes_to_the_log(worker: Worker, tmp_path: Path) -> None:
    worker.stop()
    assert (tmp_path / "log").read_text(encoding="utf-8") == "loading\n"


def test_handlers_that_fail_end_the_benchmark_with_what_they_said(tmp_path: Path) -> None:
    code = handlers.write(tmp_path / "code", "raise OSError('no weights')")
    with pytest.raises(SystemExit, match=r"(?s)no weights.*nothing was measured"):
        Worker(code, tmp_path, tmp_path / "log")


def test_a_text_counts_as_right_when_its_label_is_the_rows(worker: Worker) -> None:
    direct = Direct()
    row = {"text": "positive", "label": "positive"}
    direct.add(worker, [row], [row, {"text": "positive", "label": "negative"}])
    assert direct.right == [True, False]
    assert len(direct.single) == 1
    assert direct.bulk_seconds > 0
