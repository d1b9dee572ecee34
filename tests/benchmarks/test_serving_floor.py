from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import serving_floor
from benchmarks.serving_floor import shares, table


def operation(name: str, microseconds: int) -> dict[str, Any]:
    return {"name": f"/{name}_kernel_time", "dur": microseconds, "args": {"op_name": name}}


PROFILE = [
    operation("DynamicQuantizeMatMul", 300),
    operation("Softmax", 100),
    operation("Gemm", 200),
    operation("Softmax", 25),
    {"name": "session_initialization", "dur": 9_000},
]


def test_a_profile_is_divided_among_matrix_products_and_the_other_operations() -> None:
    assert shares(PROFILE) == {"matrix products": 0.8, "Softmax": 0.2}


def test_the_handlers_time_is_divided_among_their_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]

    def takes(seconds: int, answer: Any) -> Any:
        now[0] += seconds
        return answer

    monkeypatch.setattr(serving_floor, "perf_counter", lambda: now[0])
    model = SimpleNamespace(runtime=SimpleNamespace(at_once=2, logits=lambda inputs: takes(20, inputs)))
    handlers = SimpleNamespace(
        input_fn=lambda body, kind: takes(3, body),
        predict_fn=lambda data, model: model.runtime.logits(takes(10, data)),
        output_fn=lambda answer, kind: takes(2, answer),
    )
    assert serving_floor.parts(handlers, model, ["좋아요", ["별로"]]) == {
        "reading": 6,
        "writing": 4,
        "model": 40,
        "tokenising, sorting, batching": 20,
    }


def test_the_table_says_how_fast_the_matrix_products_alone_would_be() -> None:
    lines = table("A request", {"reading": 1, "model": 3}, {"matrix products": 2 / 3, "Softmax": 1 / 3})
    assert [line.split()[-1] for line in lines.splitlines()[1:4]] == ["50.0%", "25.0%", "25.0%"]
    assert "matrix products: 2.00 times as fast" in lines


def test_the_table_begins_with_what_takes_longest() -> None:
    lines = table("A request", {"reading": 1, "model": 3}, {"matrix products": 0.2, "Softmax": 0.8})
    assert lines.splitlines()[1].startswith("model: Softmax")
