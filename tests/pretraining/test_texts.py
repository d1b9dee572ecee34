from pathlib import Path

import pytest

from contract import UserError
from pretraining.texts import read_lines, write


@pytest.mark.parametrize("name", ["texts.txt", "texts.txt.xz"])
def test_texts_come_back_as_they_were_written(tmp_path: Path, name: str) -> None:
    texts = ["재밌다 ㅋㅋ", "두 줄\u2028한 텍스트"]
    write(tmp_path / name, texts)
    assert list(read_lines(tmp_path / name)) == texts


def test_the_same_texts_give_the_same_compressed_bytes(tmp_path: Path) -> None:
    for name in ("a.txt.xz", "b.txt.xz"):
        write(tmp_path / name, ["재밌다", "지루하다"])
    assert (tmp_path / "a.txt.xz").read_bytes() == (tmp_path / "b.txt.xz").read_bytes()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.txt does not exist"):
        list(read_lines(tmp_path / "none.txt"))


def test_a_file_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt.xz"
    write(path, ["재밌다"] * 1000)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"texts\.txt\.xz is not a whole \.xz file"):
        list(read_lines(path))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("재밌다\n".encode("cp949"))
    with pytest.raises(UserError, match="is not UTF-8"):
        list(read_lines(path))
