"""The parameters of a request: how its texts are to be cut, and answered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from refusals import RequestError, shown


@dataclass(frozen=True)
class Parameters:
    """What a client may ask for, by the names of the Hugging Face pipeline where it has them."""

    top_k: int | None = None
    """So many of the likeliest labels; None for all."""
    threshold: float = 0.0
    """Labels below this probability are left out."""
    truncation: bool = True
    """Whether a text that is too long is cut; else it is refused."""
    max_length: int | None = None
    """Tokens of a text; None for the model's own length, which it cannot exceed."""
    ranked: bool = False
    """Whether a text is answered with a list of labels, not with the likeliest alone."""


DEFAULT = Parameters()


def _natural(value: object) -> bool:
    return type(value) is int and value >= 1


# A boolean is an int to Python: the types are compared, so that it is none here.
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "top_k": (
        lambda value: value is None or _natural(value),
        "a whole number above 0, or null for all",
    ),
    "threshold": (lambda value: type(value) in (int, float) and 0 <= value <= 1, "a number from 0 to 1"),
    "truncation": (lambda value: type(value) is bool, "true or false"),
    "max_length": (_natural, "a whole number of tokens above 0"),
}


def read_parameters(given: Any) -> Parameters:
    """Return the member "parameters" of a request.

    Raises:
        RequestError: it has a name or a value that there is not.
    """
    if not isinstance(given, dict):
        raise RequestError(400, "wrong_type", f"it must be an object, not {shown(given)}", "parameters")
    for name, value in given.items():
        if name not in _RULES:
            message = f"{shown(name)} is unknown; there are {', '.join(_RULES)}"
            raise RequestError(400, "unknown_parameter", message, "parameters")
        fits, rule = _RULES[name]
        if not fits(value):
            message = f"it must be {rule}, not {shown(value)}"
            raise RequestError(400, "wrong_parameter", message, f"parameters.{name}")
    return Parameters(**given, ranked=bool(given.keys() & {"top_k", "threshold"}))
