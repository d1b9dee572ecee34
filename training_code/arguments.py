"""Strict command-line arguments from a dataclass: whatever is not an argument fails, by name."""

import difflib
from collections.abc import Sequence
from typing import NoReturn, TypeVar

from transformers import HfArgumentParser

from contract import UserError

T = TypeVar("T")


class _Parser(HfArgumentParser):  # type: ignore[misc]  # transformers is untyped
    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def parse(cls: type[T], argv: Sequence[str] | None = None) -> T:
    """Return the dataclass `cls` filled from `argv` (default: the command line's).

    Raises:
        UserError: a value does not fit its type, or an argument does not exist; the message names it, and
            the nearest one that does.
    """
    # An abbreviation is a misspelling that happens to work until an argument is added.
    parser = _Parser(cls, allow_abbrev=False)
    arguments, unknown = parser.parse_args_into_dataclasses(
        args=argv, return_remaining_strings=True, look_for_args_file=False
    )
    names = [option.partition("=")[0] for option in unknown if option.startswith("--")]
    if names:
        raise UserError("; ".join(_unknown(name.lstrip("-"), arguments) for name in names))
    if unknown:
        raise UserError(f"unexpected argument {unknown[0]!r}: arguments come as --name value")
    return arguments  # type: ignore[no-any-return]


def _unknown(name: str, arguments: object) -> str:
    known = list(vars(arguments))
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"unknown argument {name}: {hint}"
