from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import serving
from benchmarks import serving_archives as archives
from benchmarks.serving_figures import Side
from tests.benchmarks import handlers

ROWS = [{"text": "positive", "label": "positive"}, {"text": "positive", "label": "negative"}] * 10


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for archives and models, with test rows in it."""
    kept = tmp_path / "kept"
    (kept / "trained").mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (kept / "trained" / "test.jsonl").write_text(lines, encoding="utf-8")
    monkeypatch.setattr(serving, "KEPT", kept)
    return kept


def test_it_writes_what_it_measured_without_a_server_where_there_is_none(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = handlers.write(tmp_path / "code")

    def make_sides() -> list[Side]:
        sides = [Side(name, name, single=2, bulk=4) for name in ("default", "pytorch", "optimised")]
        for side in sides:
            side.archive = kept / f"{side.name}.tar.gz"
            archives.pack(kept, side.archive, code)
        return sides

    monkeypatch.setattr(serving, "make_sides", make_sides)
    monkeypatch.setattr(serving, "TOOLKIT", tmp_path / "not installed")
    monkeypatch.setattr(serving, "LIST", 4)
    monkeypatch.setattr(serving, "ROUNDS", 2)
    monkeypatch.setattr(serving, "COLD_STARTS", 2)
    written = tmp_path / "new" / "serving.json"
    monkeypatch.setattr(sys, "argv", ["serving.py", "--json", str(written)])
    serving.main()
    figures = json.loads(written.read_text(encoding="utf-8"))
    assert figures["int8_accuracy_loss_points"] == 0
    assert [row["accuracy"] for row in figures["rows"]] == [0.5, 0.5, 0.5]
    assert [row["rows"] for row in figures["rows"]] == [8, 8, 8]
    assert all(row["server"] is None for row in figures["rows"])


def test_without_nsmc_it_says_how_to_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "KEPT", tmp_path / "kept")
    monkeypatch.setenv("NSMC_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["serving.py"])
    with pytest.raises(SystemExit, match=r"NSMC_DIR is .*ratings_test.txt is not in it"):
        serving.main()


def test_a_model_that_is_kept_is_not_trained_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept / "trained" / "model").mkdir()
    optimised: list[Path] = []
    monkeypatch.setattr(archives, "train", lambda folder: pytest.fail("trained"))
    monkeypatch.setattr(archives, "optimise", lambda trained, rows, archive: optimised.append(trained))
    sides = serving.make_sides()
    assert optimised == [sides[2].archive]
    assert [side.archive.name for side in sides] == [f"{side.name}.tar.gz" for side in sides]
