"""Executables for the tests."""

from __future__ import annotations

import sys
from pathlib import Path


def write_executable(file: Path, code: str) -> None:
    """Write a Python script that runs by its name, wherever this Python is.

    A first line that names it would break at a space in its path. This is pip's way: to the shell an `exec`,
    to Python a string.
    """
    file.write_text(
        f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n{code}", encoding="utf-8"
    )
    file.chmod(0o755)
