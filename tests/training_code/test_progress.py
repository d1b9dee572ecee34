import time

import pytest

from progress import watched


def test_what_takes_long_says_how_far_it_is_every_two_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    assert list(watched(range(6000), "reading")) == list(range(6000))
    assert capsys.readouterr().out.splitlines() == [
        f"reading: {count} so far" for count in ("1,000", "3,000", "5,000")
    ]


def test_what_is_short_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(watched(range(6000), "reading")) == list(range(6000))
    assert capsys.readouterr().out == ""
