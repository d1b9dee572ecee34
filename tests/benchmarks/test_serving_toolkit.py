from __future__ import annotations

from datetime import datetime

import pytest

from benchmarks.serving_toolkit import parts

LOG = """
2026-11-26T02:21:34,708 [INFO ] main com.amazonaws.ml.mms.ModelServer - Loading initial models
2026-11-26T02:21:34,855 [INFO ] main com.amazonaws.ml.mms.wlm.ModelManager - Model model loaded.
2026-11-26T02:21:34,965 [INFO ] WorkerLifeCycle - Connection accepted: .mms.sock.9000.
2026-11-26T02:21:38,283 [INFO ] WorkerLifeCycle - {} at `inference`.
2026-11-26T02:21:38,716 [INFO ] WorkerLifeCycle - Model model loaded io_fd=02fc00fffe000001
2026-11-26T02:21:38,736 [INFO ] W-model-1-stdout WorkerLifeCycle - Predict time - 11.981010437011719 ms
"""


def at(time: str) -> float:
    return datetime.fromisoformat(f"2026-11-26T{time}").timestamp()


@pytest.mark.parametrize(
    "found", ["No inference script implementation was found", "Inference script implementation found"]
)
def test_a_start_is_divided_by_what_the_server_logs(found: str) -> None:
    start = parts(LOG.format(found), began=at("02:21:30.965"), answered=at("02:21:38.816"))
    assert start == pytest.approx((4, 3.318, 0.433, 0.1), abs=1e-6)


def test_a_log_without_a_part_is_shown() -> None:
    with pytest.raises(AssertionError, match=r"(?s)does not say 'Connection accepted'.*starting"):
        parts("starting", began=0, answered=1)
