from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import synth
from docs.security import Assembly


def test_it_writes_how_long_each_part_takes_and_what_was_synthesised(
    assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / "new" / "synth.json"
    monkeypatch.setattr(sys, "argv", ["synth.py", "--json", str(written), "--runs", "1"])
    synth.main()
    figures = json.loads(written.read_text(encoding="utf-8"))
    parts = sum(figures[f"{part}_seconds"] for part in ("imports", "constructs", "rules"))
    assert figures["warm_seconds"] == pytest.approx(parts, abs=0.002)
    stacks = Assembly(assembly).stacks
    acknowledged = {(path, finding) for stack in stacks for path, _, finding, _ in stack.acknowledged()}
    assert (figures["stacks"], figures["resources"], figures["acknowledgements"]) == (
        len(stacks),
        sum(len(stack.resources) for stack in stacks),
        len(acknowledged),
    )


def test_a_synthesis_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="nothing was measured"):
        synth.seconds("raise SystemExit(1)", tmp_path)
