from __future__ import annotations

import os
from pathlib import Path

import pytest

from data import nsmc


def test_a_folder_that_lacks_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSMC_DIR", str(tmp_path))
    with pytest.raises(ValueError, match=r"ratings_\w+\.txt is not in it; unset it to download"):
        nsmc.find(download_to=tmp_path)


def test_a_file_that_is_not_the_published_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NSMC_DIR", str(tmp_path))
    for name in ("ratings_train.txt", "ratings_test.txt"):
        (tmp_path / name).write_text("id\tdocument\tlabel\n", encoding="utf-8")
    with pytest.raises(ValueError, match="its SHA-256 differs"):
        nsmc.find(download_to=tmp_path)


def test_a_download_that_fails_says_how_to_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NSMC_DIR", raising=False)
    monkeypatch.setattr(nsmc, "_HOME", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"cannot be reached .*; set NSMC_DIR"):
        nsmc.find(download_to=tmp_path)


@pytest.mark.skipif("NSMC_DIR" not in os.environ, reason="NSMC_DIR is not set")
def test_the_real_corpus_is_recognised(tmp_path: Path) -> None:
    assert nsmc.find(download_to=tmp_path) == Path(os.environ["NSMC_DIR"])
