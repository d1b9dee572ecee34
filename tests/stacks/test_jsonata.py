from __future__ import annotations

import jsonata

from stacks.jsonata import query, source, with_optional


def evaluated(expression: str, **variables: object) -> object:
    return jsonata.Jsonata(expression.removeprefix("{%").removesuffix("%}")).evaluate(None, variables)


def test_literals_stay_literal_and_queries_are_evaluated() -> None:
    value = {"name": "'눈치' & \"", "uri": query("'s3://' & $bucket"), "sizes": [1, 2.5, True]}
    assert evaluated(source(value), bucket="b") == {
        "name": "'눈치' & \"",
        "uri": "s3://b",
        "sizes": [1, 2.5, True],
    }


def test_an_optional_item_is_left_out_unless_it_is_given() -> None:
    inputs = with_optional([{"a": 1}, {"b": 2}], {"c": query("$c")}, unless="$c = ''")
    assert evaluated(inputs, c="") == [{"a": 1}, {"b": 2}]
    assert evaluated(inputs, c="x") == [{"a": 1}, {"b": 2}, {"c": "x"}]
