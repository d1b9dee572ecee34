from typing import Any

import pytest

from localaws.api import ApiError
from localaws.data_processing import DataError, DataProcessing

JSON, JSON_LINES, CSV = "application/json", "application/jsonlines", "text/csv"


def processing(content_type: str, accept: str | None = None, split: str = "Line", **given: str) -> Any:
    output = {"AssembleWith": split, "Accept": accept or content_type}
    return DataProcessing(
        {
            "TransformInput": {"ContentType": content_type, "SplitType": split},
            "TransformOutput": output,
            "DataProcessing": given,
        }
    )


def test_nothing_is_read_when_there_is_nothing_to_do() -> None:
    job = processing("application/x-image", InputFilter="$", JoinSource="None", OutputFilter="$")
    assert job.asked(b"\xff{") == b"\xff{"
    assert job.written([b"a", b"b"], b"\xff") == b"\xff"


@pytest.mark.parametrize(
    ("content_type", "path", "record", "asked"),
    [
        (JSON_LINES, "$.features", '{"id": 1, "features": ["가", 2.5]}', '["가", 2.5]'),
        (JSON_LINES, "$['text']", '{"text": "좋아요 \\ud83d"}', '"좋아요 \\ud83d"'),
        (CSV, "$[1:]", '1,"가, 나",3', '"가, 나",3'),
        (CSV, "$[0]", "1,2", "1"),
    ],
)
def test_input_filter_chooses_what_the_model_gets(
    content_type: str, path: str, record: str, asked: str
) -> None:
    assert processing(content_type, InputFilter=path).asked(record.encode()) == asked.encode()


@pytest.mark.parametrize(
    ("content_type", "records", "answer", "written"),
    [
        (JSON_LINES, ['{"id": 1}', '"가"'], '{"a": 1}\n[2]\n', '{"id": 1, "SageMakerOutput": {"a": 1}}\n'
         '{"SageMakerInput": "가", "SageMakerOutput": [2]}'),
        (JSON_LINES, ['{"SageMakerOutput": 0}'], "1", '{"SageMakerOutput": 1}'),
        (JSON, ['{"id": 1}'], '{\n"a":\n1}\n', '{"id": 1, "SageMakerOutput": {"a": 1}}'),
        (CSV, ["1,2", '"가, 나",4'], "긍정,0.5\n부정,0.25", '1,2,긍정,0.5\n"가, 나",4,부정,0.25'),
    ],
)  # fmt: skip
def test_results_are_joined_with_their_records(
    content_type: str, records: list[str], answer: str, written: str
) -> None:
    job = processing(content_type, JoinSource="Input")
    assert job.written([record.encode() for record in records], answer.encode()) == written.encode()


@pytest.mark.parametrize(
    ("content_type", "path", "written"),
    [(JSON_LINES, "$['id','SageMakerOutput']", '{"id": 1, "SageMakerOutput": 3}'), (CSV, "$[0,-1]", "1,3")],
)
def test_output_filter_chooses_from_what_was_joined(content_type: str, path: str, written: str) -> None:
    record = b"1,2" if content_type == CSV else b'{"id": 1, "text": "2"}'
    job = processing(content_type, JoinSource="Input", OutputFilter=path)
    assert job.written([record], b"3\n") == written.encode()


def test_output_filter_chooses_from_the_result_when_nothing_is_joined() -> None:
    assert processing(JSON_LINES, OutputFilter="$.label").written([b"{}"], b'{"label": "x"}') == b'"x"'


@pytest.mark.parametrize(
    ("content_type", "records", "answer", "reason"),
    [
        (JSON_LINES, [b"{}", b"{}"], b"{}", "mismatched line count.*2 records with 1 lines"),
        (JSON_LINES, [b"{"], b"{}", "Fail to join data: Expecting property name"),
        (JSON_LINES, [b"{}"], b"NaN", "NaN is no JSON"),
        (JSON_LINES, [b"{}"], b"[" * 100_000, "recursion"),
        (CSV, [b"1"], b'"a', "unexpected end of data"),
        (CSV, [b"\xff"], b"1", "can't decode"),
    ],
)
def test_data_that_cannot_be_joined_is_an_error(
    content_type: str, records: list[bytes], answer: bytes, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        processing(content_type, JoinSource="Input").written(records, answer)


def test_record_without_what_the_filter_asks_for_is_an_error() -> None:
    with pytest.raises(DataError, match=r"InputFilter \$.text: key error: text not found"):
        processing(JSON_LINES, InputFilter="$.text").asked(b"{}")


@pytest.mark.parametrize(
    ("content_type", "accept", "split", "given", "reason"),
    [
        (
            "text/plain",
            JSON,
            "Line",
            {"JoinSource": "Input"},
            "needs ContentType to be .* it is 'text/plain'",
        ),
        (JSON, "text/plain", "Line", {"OutputFilter": "$.a"}, "needs Accept to be .* it is 'text/plain'"),
        (CSV, JSON, "Line", {"JoinSource": "Input"}, "text/csv cannot be joined with application/json"),
        (CSV, CSV, "None", {"JoinSource": "Input"}, "needs SplitType Line"),
        (CSV, CSV, "Line", {"InputFilter": "$.id"}, 'Unexpected "." in JsonPath'),
        (JSON, JSON, "Line", {"InputFilter": "$[0:1,3:]"}, "only single range filters"),
    ],
)
def test_processing_that_cannot_be_is_refused(
    content_type: str, accept: str, split: str, given: dict[str, str], reason: str
) -> None:
    with pytest.raises(ApiError, match=reason):
        processing(content_type, accept, split, **given)
