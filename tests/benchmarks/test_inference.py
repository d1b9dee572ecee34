from __future__ import annotations

import re

import pytest

from benchmarks import inference


def test_the_bundled_model_takes_less_time_than_a_model_of_three_times_its_layers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inference, "SENTENCES", 30)
    monkeypatch.setattr("torch.set_num_threads", lambda count: None)
    inference.main()
    ours, theirs = map(float, re.findall(r": ([\d.]+) ms a sentence", capsys.readouterr().out))
    assert 0 < ours < theirs
