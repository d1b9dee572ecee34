"""Requests in JSON, which a line of JSON Lines is as well."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from parameters import DEFAULT, Parameters, read_parameters
from refusals import RequestError, shown
from texts import Text, check_number, json_type, normalised

_EXAMPLE = 'a right one is {"inputs": "정말 재미있어요"}'


def parse(text: str) -> Any:
    """Return what JSON means; more of it is refused than Python does.

    Raises:
        RequestError: it is not JSON, or holds NaN, Infinity or a name twice in one object.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except RecursionError:
        reason = "it is nested too deep"
    except ValueError as error:  # also a whole number of more digits than Python reads
        reason = str(error)
    raise RequestError(400, "malformed_json", f"it is not JSON: {reason}; {_EXAMPLE}", "body")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        [(twice, _)] = Counter(name for name, _ in members).most_common(1)
        raise ValueError(f"{shown(twice)} stands twice in an object")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def read_body(body: Any, most: int | None) -> tuple[list[Text], bool]:
    """Return the texts of a parsed body, and whether one was given by itself, not in a list.

    Raises:
        RequestError: it is not of the right shape, or there are more than `most`.
    """
    if not isinstance(body, dict) or not isinstance(body.get("inputs"), list):
        return [read_one(body)], True
    _check_names(body, {"inputs", "parameters"}, "body")
    parameters, inputs = _parameters(body), body["inputs"]
    if not inputs:
        raise RequestError(400, "no_texts", f"the list is empty; {_EXAMPLE}", "inputs")
    check_number(len(inputs), most, "inputs")
    return [_text(value, parameters, f"inputs[{index}]") for index, value in enumerate(inputs)], False


def read_one(body: Any) -> Text:
    """Return the one text or pair of `{"inputs": …}` or `{"text": …, "text_pair": …}`.

    Raises:
        RequestError: it is not of the right shape.
    """
    if not isinstance(body, dict):
        message = f"it must be an object, not {json_type(body)}; {_EXAMPLE}"
        raise RequestError(400, "wrong_type", message, "body")
    if "inputs" in body:
        _check_names(body, {"inputs", "parameters"}, "body")
        return _text(body["inputs"], _parameters(body), "inputs")
    if "text" in body:
        _check_names(body, {"text", "text_pair", "parameters"}, "body")
        return _pair(body, _parameters(body), "body")
    raise RequestError(400, "missing_field", f'there is no "inputs"; {_EXAMPLE}', "body")


def _parameters(body: Mapping[str, Any]) -> Parameters:
    return read_parameters(body["parameters"]) if "parameters" in body else DEFAULT


def _text(value: Any, parameters: Parameters, where: str) -> Text:
    if isinstance(value, str):
        return Text(normalised(value, where), None, parameters, where)
    if not isinstance(value, dict):
        message = f'it must be a text, or {{"text": …, "text_pair": …}}, not {json_type(value)}; {_EXAMPLE}'
        raise RequestError(400, "wrong_type", message, where)
    _check_names(value, {"text", "text_pair"}, where)
    if "text" not in value:
        raise RequestError(400, "missing_field", 'there is no "text"', where)
    return _pair(value, parameters, where)


def _pair(value: Mapping[str, Any], parameters: Parameters, where: str) -> Text:
    prefix = "" if where == "body" else f"{where}."
    text = normalised(value["text"], f"{prefix}text")
    if "text_pair" not in value:
        return Text(text, None, parameters, f"{prefix}text")
    return Text(text, normalised(value["text_pair"], f"{prefix}text_pair"), parameters, where)


def _check_names(value: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(value.keys() - known):
        message = f"unknown: {', '.join(map(shown, unknown[:3]))}; there may be {', '.join(sorted(known))}"
        raise RequestError(400, "unknown_field", message, where)
