from typing import Any

import pytest

from parameters import DEFAULT, Parameters, read_parameters
from refusals import RequestError


def test_without_any_the_likeliest_label_of_the_text_as_far_as_it_fits_is_wanted() -> None:
    assert read_parameters({}) == DEFAULT == Parameters(None, 0.0, True, None, False)


@pytest.mark.parametrize("given", [{"top_k": 1}, {"top_k": None}, {"threshold": 0}, {"threshold": 1.0}])
def test_top_k_and_threshold_ask_for_a_list(given: dict[str, Any]) -> None:
    assert read_parameters(given).ranked


@pytest.mark.parametrize("given", [{"truncation": False}, {"max_length": 16}])
def test_what_cuts_a_text_asks_for_no_list(given: dict[str, Any]) -> None:
    assert not read_parameters(given).ranked


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"top_k": 0}, "it must be a whole number above 0, or null for all, not 0"),
        ({"top_k": 1.0}, "a whole number above 0, or null for all, not 1.0"),
        ({"top_k": True}, "a whole number above 0, or null for all, not True"),
        ({"top_k": "2"}, "a whole number above 0, or null for all, not '2'"),
        ({"threshold": -0.1}, "a number from 0 to 1, not -0.1"),
        ({"threshold": 10**400}, "a number from 0 to 1, not 1000"),
        ({"threshold": float("inf")}, "a number from 0 to 1, not inf"),
        ({"threshold": True}, "a number from 0 to 1, not True"),
        ({"threshold": None}, "a number from 0 to 1, not None"),
        ({"truncation": 1}, "true or false, not 1"),
        ({"truncation": "longest_first"}, "true or false, not 'longest_first'"),
        ({"max_length": 0}, "a whole number of tokens above 0, not 0"),
        ({"max_length": None}, "a whole number of tokens above 0, not None"),
        ({"max_length": [16]}, "a whole number of tokens above 0, not [16]"),
    ],
)
def test_a_wrong_value_is_told_what_is_right(given: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as error:
        read_parameters(given)
    [name] = given
    assert (error.value.status, error.value.code) == (400, "wrong_parameter")
    assert error.value.where == f"parameters.{name}"
    assert message in error.value.message


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(RequestError) as error:
        read_parameters({"return_all_scores": True})
    assert error.value.as_json()["error"] == {
        "code": "unknown_parameter",
        "message": "'return_all_scores' is unknown; there are top_k, threshold, truncation, max_length",
        "where": "parameters",
    }


@pytest.mark.parametrize("given", [None, [], "top_k", 3])
def test_anything_but_an_object_is_refused(given: Any) -> None:
    with pytest.raises(RequestError, match="it must be an object, not"):
        read_parameters(given)
