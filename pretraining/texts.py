"""Files of one text a line, plain or compressed."""

import hashlib
import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path

from contract import UserError


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 text file, which may be compressed (.xz), without their ends.

    Raises:
        UserError: there is no such file, or it is not UTF-8, or not what its name ends in.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a file of one text a line")
    try:
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
            # Only a line feed ends a line here: a text may hold U+2028.
            for line in file:
                yield line.decode("utf-8").removesuffix("\n")
    except (lzma.LZMAError, EOFError) as error:
        raise UserError(f"{path} is not a whole .xz file: {error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8: {error.reason}; save it as that") from error


def write(path: Path, texts: Iterable[str]) -> int:
    """Write one text a line, compressed if the file's name ends in .xz, and return how many there were."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    preset = 9 | lzma.PRESET_EXTREME
    with lzma.open(path, "wb", preset=preset) if path.suffix == ".xz" else path.open("wb") as file:
        for text in texts:
            file.write(f"{text}\n".encode())
            count += 1
    return count


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
