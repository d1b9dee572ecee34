from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from contract import UserError
from pretraining.tokenizer import CLS, PAD, SEP
from pretraining.windows import encode, load, pack


def test_each_text_stands_between_its_marks_and_padding_fills_up() -> None:
    assert pack([[7, 8], [9]], 10).tolist() == [[CLS, 7, 8, SEP, CLS, 9, SEP, PAD, PAD, PAD]]


def test_a_text_goes_where_it_fits_best() -> None:
    packed = pack([[7] * 4, [8] * 5, [9]], 10)
    assert packed.tolist() == [
        [CLS, 7, 7, 7, 7, SEP, PAD, PAD, PAD, PAD],
        [CLS, 8, 8, 8, 8, 8, SEP, CLS, 9, SEP],
    ]


def test_a_text_longer_than_a_window_is_cut_and_loses_nothing() -> None:
    packed = pack([list(range(5, 20))], 8)
    assert [row[0] for row in packed.tolist()] == [CLS] * 3
    assert packed[packed >= 5].tolist() == list(range(5, 20))


def test_no_text_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="no text to learn from"):
        pack([], 8)


def test_the_windows_of_a_file_hold_its_texts_tokens(texts: Path, tokenizer: Path, tmp_path: Path) -> None:
    file = tokenizer / "tokenizer.json"
    windows = load(texts, file, 64, tmp_path)
    lines = texts.read_text(encoding="utf-8").splitlines()
    encoded = encode(lines, Tokenizer.from_file(str(file)))
    assert sorted(windows[windows != PAD]) == sorted(token for ids in encoded for token in (CLS, *ids, SEP))


def test_tokens_are_read_back_and_not_made_twice(texts: Path, tokenizer: Path, tmp_path: Path) -> None:
    file = tokenizer / "tokenizer.json"
    first = load(texts, file, 64, tmp_path)
    (made,) = tmp_path.iterdir()
    np.save(made, np.full_like(first, SEP))
    assert (load(texts, file, 64, tmp_path) == SEP).all()


def test_another_text_has_tokens_of_its_own(texts: Path, tokenizer: Path, tmp_path: Path) -> None:
    file = tokenizer / "tokenizer.json"
    load(texts, file, 64, tmp_path / "work")
    other = tmp_path / "other.txt"
    other.write_text("좋다\n", encoding="utf-8")
    assert len(load(other, file, 64, tmp_path / "work")) == 1
