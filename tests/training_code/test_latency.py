import time
from collections import Counter
from collections.abc import Sequence
from typing import cast

import pytest

import latency
from rows import Row
from served_model import ServedModel


class Clockwork:
    """A model that takes 5 ms a request and 1 ms a text, and ten times as long once in a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[list[str]] = []
        self._now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self._now)

    def predict(self, texts: Sequence[str]) -> None:
        self.requests.append(list(texts))
        slow = 10 if len(self.requests) % 4 == 0 else 1
        self._now += slow * (0.005 + 0.001 * len(texts))


def test_it_is_the_median_of_requests_of_one_and_of_64_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Clockwork(monkeypatch)
    measured = latency.latency(cast(ServedModel, model), [Row(text, ("긍정",)) for text in "가나다"])
    assert measured == pytest.approx({"one_text_ms": 6, "batch_of_64_ms": 69})
    assert Counter(map(len, model.requests)) == {1: 21, 64: 5}


def test_the_texts_are_asked_about_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorted by length they would be padded less than those that come to an endpoint."""
    model = Clockwork(monkeypatch)
    texts = [str(number) for number in range(400)]
    latency.latency(cast(ServedModel, model), [Row(text, ("긍정",)) for text in texts])
    assert [text for request in model.requests for text in request] == texts[: 21 + 5 * 64]
