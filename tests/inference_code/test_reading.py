import json
from typing import Any

import pytest

from parameters import DEFAULT, Parameters
from reading import CSV, JSON, JSON_LINES, PLAIN, Request, read
from refusals import RequestError
from texts import Text


def lines(body: str | bytes, kind: str) -> list[tuple[str, str | None] | tuple[str, str]]:
    """Text and pair of each line; of a bad one, code and place."""
    return [
        (text.code, text.where) if isinstance(text, RequestError) else (text.text, text.pair)
        for text in read(body, kind, None).texts
    ]


def refusal(body: str | bytes | None, kind: Any, most: int | None = None) -> RequestError:
    with pytest.raises(RequestError) as error:
        read(body, kind, most)
    return error.value


# Content types


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset = "utf-8"; q=1',
        "Application/JSON",
    ],
)
def test_json_in_utf_8_is_read(content_type: str) -> None:
    read_text = Text("좋아요", None, DEFAULT, "inputs")
    assert read('{"inputs": "좋아요"}'.encode(), content_type, None) == Request(JSON, [read_text], alone=True)


@pytest.mark.parametrize(
    "content_type", ["image/png", "", None, "application/x-www-form-urlencoded", {"a": "b"}]
)
def test_another_content_type_is_refused_by_name(content_type: Any) -> None:
    error = refusal('{"inputs": "좋아요"}', content_type)
    assert (error.status, error.code, error.where) == (415, "content_type_not_supported", "Content-Type")
    assert error.message == (
        f"{content_type!r} is not supported; "
        "send application/json, application/jsonlines, text/csv, text/plain"
    )


def test_another_charset_is_refused() -> None:
    error = refusal("좋아요".encode("cp949"), "text/plain; charset=euc-kr")
    assert (error.status, error.code) == (415, "charset_not_supported")


@pytest.mark.parametrize("kind", [str, str.encode, lambda body: bytearray(body.encode())])
def test_a_body_comes_as_text_or_bytes(kind: Any) -> None:
    assert len(read(kind('{"inputs": ["좋아요", "싫어요"]}'), JSON, None).texts) == 2


# JSON


@pytest.mark.parametrize(
    ("body", "texts", "alone"),
    [
        ({"inputs": "가"}, [Text("가", None, DEFAULT, "inputs")], True),
        ({"inputs": ["가"]}, [Text("가", None, DEFAULT, "inputs[0]")], False),
        ({"text": "가"}, [Text("가", None, DEFAULT, "text")], True),
        ({"text": "가", "text_pair": "나"}, [Text("가", "나", DEFAULT, "body")], True),
        ({"inputs": {"text": "가", "text_pair": "나"}}, [Text("가", "나", DEFAULT, "inputs")], True),
        (
            {"inputs": ["가", {"text": "나"}, {"text": "다", "text_pair": "라"}]},
            [
                Text("가", None, DEFAULT, "inputs[0]"),
                Text("나", None, DEFAULT, "inputs[1].text"),
                Text("다", "라", DEFAULT, "inputs[2]"),
            ],
            False,
        ),
        (
            {"inputs": ["가"], "parameters": {"max_length": 8}},
            [Text("가", None, Parameters(max_length=8), "inputs[0]")],
            False,
        ),
        (
            {"text": "가", "parameters": {"top_k": 2}},
            [Text("가", None, Parameters(top_k=2, ranked=True), "text")],
            True,
        ),
    ],
)
def test_the_forms_of_json(body: Any, texts: list[Text], alone: bool) -> None:
    assert read(json.dumps(body), JSON, None) == Request(JSON, [*texts], alone)


@pytest.mark.parametrize(
    ("body", "code", "where", "message"),
    [
        ("", "malformed_json", "body", "Expecting value: line 1 column 1"),
        ("{", "malformed_json", "body", "line 1 column 2"),
        ("[" * 100_000, "malformed_json", "body", "nested too deep"),
        ('{"a":' * 100_000, "malformed_json", "body", "nested too deep"),
        ('{"inputs": ' + "9" * 5000 + "}", "malformed_json", "body", "4300 digits"),
        ('{"inputs": NaN}', "malformed_json", "body", "NaN is no number"),
        ('{"inputs": -Infinity}', "malformed_json", "body", "-Infinity is no number"),
        ('{"inputs": "가", "inputs": "나"}', "malformed_json", "body", "'inputs' stands twice in an object"),
        ('\ufeff{"inputs": "가"}', "malformed_json", "body", "BOM"),
        (
            "좋아요".encode("cp949"),
            "not_utf_8",
            "body",
            "byte 0 is not UTF-8; convert it to UTF-8, from EUC-KR",
        ),
        ('{"inputs": "가"}'.encode("utf-16"), "not_utf_8", "body", "the body is UTF-16"),
        ('"좋아요"', "wrong_type", "body", "it must be an object, not a text"),
        ('["좋아요"]', "wrong_type", "body", "it must be an object, not a list"),
        ("{}", "missing_field", "body", 'there is no "inputs"'),
        ('{"input": "가"}', "missing_field", "body", 'there is no "inputs"'),
        (
            '{"inputs": "가", "option": 1}',
            "unknown_field",
            "body",
            "'option'; there may be inputs, parameters",
        ),
        ('{"inputs": ["가"], "text": "나"}', "unknown_field", "body", "'text'; there may be inputs"),
        (
            '{"inputs": ["가", {"txt": 1}]}',
            "unknown_field",
            "inputs[1]",
            "'txt'; there may be text, text_pair",
        ),
        ('{"inputs": [{"text_pair": "가"}]}', "missing_field", "inputs[0]", 'there is no "text"'),
        ('{"inputs": []}', "no_texts", "inputs", "the list is empty"),
        ('{"inputs": 3}', "wrong_type", "inputs", "not a number"),
        ('{"inputs": null}', "wrong_type", "inputs", "not null"),
        ('{"inputs": ["가", null]}', "wrong_type", "inputs[1]", "not null"),
        ('{"inputs": [["가", "나"]]}', "wrong_type", "inputs[0]", '{"text": …, "text_pair": …}, not a list'),
        ('{"text": ["가"]}', "wrong_type", "text", "it must be a text, not a list"),
        ('{"text": "가", "text_pair": null}', "wrong_type", "text_pair", "it must be a text, not null"),
        ('{"inputs": ["가", {"text": ""}]}', "empty_text", "inputs[1].text", "no visible character"),
        ('{"inputs": "가", "parameters": null}', "wrong_type", "parameters", "not None"),
        ('{"inputs": "\\ud83d"}', "half_character", "inputs", "'\\ud83d'"),
    ],
)
def test_wrong_json_is_told_what_and_where(body: str | bytes, code: str, where: str, message: str) -> None:
    error = refusal(body, JSON)
    assert (error.status, error.code, error.where) == (400, code, where)
    assert message in error.message


def test_a_value_that_is_too_deep_to_be_shown_is_refused_like_others() -> None:
    body = '{"inputs": "가", "parameters": {"top_k": ' + "[" * 900 + "]" * 900 + "}}"
    assert refusal(body, JSON).code in {"wrong_parameter", "malformed_json"}


def test_more_texts_than_the_limit_are_refused() -> None:
    assert refusal('{"inputs": ["가", "나"]}', JSON, most=1).code == "too_many_texts"
    assert refusal("가\n나\n", PLAIN, most=1).code == "too_many_texts"


# Lines


def test_a_line_of_json_is_a_text_or_a_request_of_one() -> None:
    body = '"가"\n{"inputs": "나"}\n{"text": "다", "text_pair": "라"}\n{"inputs": {"text": "마"}}\n'
    assert lines(body, JSON_LINES) == [("가", None), ("나", None), ("다", "라"), ("마", None)]


def test_a_line_of_json_has_parameters_of_its_own() -> None:
    first, second = read('"가"\n{"inputs": "나", "parameters": {"top_k": 1}}', JSON_LINES, None).texts
    assert isinstance(first, Text) and not first.parameters.ranked
    assert isinstance(second, Text) and second.parameters.ranked


def test_a_bad_line_of_json_takes_no_other_with_it() -> None:
    body = b'"\xea\xb0\x80"\n{bad\n\n{"inputs": ["a"]}\n"\xb0\xa1"\n{"text": " "}\n3\n"\\ud83d"\n"b"\n'
    assert lines(body, JSON_LINES) == [
        ("가", None),
        ("malformed_json", "line 2"),
        ("malformed_json", "line 3"),
        ("wrong_type", "line 4, inputs"),
        ("not_utf_8", "line 5"),
        ("empty_text", "line 6, text"),
        ("wrong_type", "line 7"),
        ("half_character", "line 8"),
        ("b", None),
    ]


@pytest.mark.parametrize("kind", [JSON_LINES, CSV, PLAIN])
@pytest.mark.parametrize("end", ["", "\n"])
def test_what_ends_the_last_line_begins_no_other(kind: str, end: str) -> None:
    assert lines(f'"가"\n"나"{end}', kind)[1:] == lines('"나"', kind)


@pytest.mark.parametrize("kind", [JSON_LINES, CSV, PLAIN])
def test_lines_may_end_in_carriage_returns(kind: str) -> None:
    assert lines('"가"\r\n"나"\r\n', kind) == lines('"가"\n"나"\n', kind)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_feed_ends_a_line(separator: str) -> None:
    assert len(lines(f"가{separator}나", PLAIN)) == 1


@pytest.mark.parametrize("kind", [JSON_LINES, CSV, PLAIN])
def test_a_body_without_a_line_is_refused(kind: str) -> None:
    assert refusal(b"", kind).code == "no_texts"


def test_lines_in_utf_16_are_refused_as_a_whole() -> None:
    assert refusal("가\n나".encode("utf-16"), PLAIN).code == "not_utf_8"


def test_a_line_of_csv_is_a_text_or_a_pair() -> None:
    assert lines('재미있다\n"참, 좋다","""인용"""\n', CSV) == [("재미있다", None), ("참, 좋다", '"인용"')]


def test_a_bad_line_of_csv_takes_no_other_with_it() -> None:
    assert lines('가\n\n나,다,라\n"열림\n"닫"힘\n가,\n나\n\r\r\n', CSV) == [
        ("가", None),
        ("empty_text", "line 2, column 1"),
        ("too_many_columns", "line 3"),
        ("malformed_csv", "line 4"),
        ("malformed_csv", "line 5"),
        ("empty_text", "line 6, column 2"),
        ("나", None),
        ("empty_text", "line 8, column 1"),
    ]


def test_a_line_of_text_is_a_text_whatever_is_in_it() -> None:
    assert lines('참, 좋다\n{"inputs": "가"}\n\n', PLAIN) == [
        ("참, 좋다", None),
        ('{"inputs": "가"}', None),
        ("empty_text", "line 3"),
    ]


@pytest.mark.parametrize("kind", [CSV, PLAIN])
def test_the_byte_order_mark_that_excel_writes_is_no_part_of_the_first_line(kind: str) -> None:
    assert lines('"가"\n'.encode("utf-8-sig"), kind) == lines('"가"\n', kind)


def test_the_byte_order_mark_makes_a_bad_line_of_json() -> None:
    assert lines('"가"\n"나"\n'.encode("utf-8-sig"), JSON_LINES) == [
        ("malformed_json", "line 1"),
        ("나", None),
    ]


def test_a_record_of_json_lines_may_have_an_id_of_its_owners() -> None:
    """Batch transform joins what it gets to the record; an interactive request has no use for one."""
    assert lines('{"id": 7, "text": "가"}\n{"id": "b", "inputs": "나"}', JSON_LINES) == [
        ("가", None),
        ("나", None),
    ]
    assert refusal('{"id": 7, "text": "가"}', JSON).code == "unknown_field"
