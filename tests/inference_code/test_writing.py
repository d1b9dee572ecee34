import csv
import json
from typing import Any

import pytest

from reading import CSV, JSON, JSON_LINES, PLAIN
from refusals import RequestError
from writing import Answers, Label, write

GOOD: Label = {"label": "긍정, 강함", "score": 0.75}
BAD: Label = {"label": "부정", "score": 0.25}
ERROR = RequestError(400, "empty_text", 'it says "nothing"', "line 2")


def body(answers: list[Any], accept: str | None, kind: str = JSON, alone: bool = False) -> str:
    written, media_type = write(Answers(kind, answers, alone), accept)
    assert media_type in (JSON, JSON_LINES, CSV)
    return written


def test_json_is_a_list_with_korean_readable() -> None:
    assert body([GOOD, BAD], JSON) == (
        '[{"label": "긍정, 강함", "score": 0.75}, {"label": "부정", "score": 0.25}]'
    )


def test_one_text_is_answered_with_a_list_of_one() -> None:
    assert json.loads(body([GOOD], JSON, alone=True)) == [GOOD]


def test_the_labels_of_one_text_are_one_list() -> None:
    assert json.loads(body([[GOOD, BAD]], JSON, alone=True)) == [GOOD, BAD]


def test_the_labels_of_each_text_of_a_list_are_a_list() -> None:
    assert json.loads(body([[GOOD, BAD]], JSON)) == [[GOOD, BAD]]


def test_lines_of_json_are_an_answer_each() -> None:
    answers = [GOOD, [GOOD, BAD], ERROR]
    found = [json.loads(line) for line in body(answers, JSON_LINES).removesuffix("\n").split("\n")]
    assert found == [GOOD, [GOOD, BAD], ERROR.as_json()]


def test_lines_of_csv_are_labels_and_scores_or_an_error() -> None:
    written = body([GOOD, [GOOD, BAD], ERROR, []], CSV)
    assert written.split("\n")[:2] == ['"긍정, 강함",0.75', '"긍정, 강함",0.75,부정,0.25']
    *_, error, empty = csv.reader(written.splitlines())
    assert (json.loads(error[0]), empty) == (ERROR.as_json(), [])


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (JSON, JSON),
        (JSON_LINES, JSON_LINES),
        (CSV, CSV),
        ("Application/JSON; charset=utf-8", JSON),
        ("text/html, application/json;q=0.9", JSON),
        ("application/json;q=0.1, text/csv", CSV),
        ("text/csv;q=0, application/jsonlines", JSON_LINES),
        ("text/*", CSV),
        ("application/json;q=nonsense", JSON),
    ],
)
def test_the_answer_is_of_the_kind_that_is_wanted_most(accept: str, kind: str) -> None:
    assert write(Answers(JSON, [GOOD]), accept)[1] == kind


@pytest.mark.parametrize("accept", [None, "", "*/*", "image/png, */*;q=0.1"])
@pytest.mark.parametrize(
    ("asked", "answered"), [(JSON, JSON), (JSON_LINES, JSON_LINES), (CSV, CSV), (PLAIN, JSON_LINES)]
)
def test_where_the_choice_is_left_the_answer_is_of_the_requests_kind(
    accept: str | None, asked: str, answered: str
) -> None:
    assert write(Answers(asked, [GOOD]), accept)[1] == answered


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", ",", "json", "text/html, image/*"])
def test_a_client_that_takes_none_of_the_kinds_is_refused(accept: str) -> None:
    with pytest.raises(RequestError) as error:
        write(Answers(JSON, [GOOD]), accept)
    assert (error.value.status, error.value.code) == (406, "accept_not_supported")
    assert error.value.message == (
        f"{accept!r} is not supported; accept application/json, application/jsonlines or text/csv"
    )


def test_a_score_that_is_no_number_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(Answers(JSON, [{"label": "긍정", "score": float("nan")}]), JSON)
