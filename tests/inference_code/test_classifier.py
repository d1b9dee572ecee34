import json
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier import Classifier
from parameters import Parameters
from refusals import RequestError
from texts import Text

TEXTS = [
    "영화 정말 좋았어요",
    "음악",
    "이야기 지루해요 시간이 아까워요 실망이에요 0점",
    "배우 최고예요 ㅋㅋ",
] * 12


class Sums:
    """A runtime that keeps what it is given, and answers with the sums of a text's ids and of its types."""

    batch_tokens = 2048
    at_once = 1

    def __init__(self, *names: str) -> None:
        self.input_names = frozenset(names or ("input_ids", "attention_mask", "token_type_ids"))
        self.given: list[dict[str, NDArray[np.int64]]] = []

    def logits(self, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        self.given.append(inputs)
        sums = [inputs[name].sum(axis=1) for name in ("input_ids", "token_type_ids") if name in inputs]
        return (np.stack(sums, axis=1) / 1000).astype(np.float32)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [inputs["input_ids"].shape for inputs in self.given]


@pytest.fixture
def sums() -> Sums:
    return Sums()


@pytest.fixture
def model(folder: Path, sums: Sums) -> Classifier:
    return Classifier(folder, sums)


def scores(model: Classifier, texts: Sequence[Text]) -> list[list[float]]:
    found = model.classify(texts)
    assert not any(isinstance(item, RequestError) for item in found)
    return [list(map(float, item)) for item in found if not isinstance(item, RequestError)]


def refused(model: Classifier, text: Text) -> RequestError:
    [found] = model.classify([text])
    assert isinstance(found, RequestError)
    return found


def test_each_text_gets_the_scores_that_it_gets_alone_in_order(model: Classifier) -> None:
    assert scores(model, [Text(text) for text in TEXTS]) == [scores(model, [Text(text)])[0] for text in TEXTS]


def test_scores_are_probabilities_of_all_labels(model: Classifier) -> None:
    [found] = scores(model, [Text("영화")])
    assert sum(found) == pytest.approx(1)


def test_labels_that_do_not_exclude_each_other_have_probabilities_of_their_own(
    folder: Path, sums: Sums, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    config = json.loads(file.read_text(encoding="utf-8")) | {"problem_type": "multi_label_classification"}
    file.write_text(json.dumps(config), encoding="utf-8")
    [found] = scores(Classifier(tmp_path / "model", sums), [Text("영화")])
    assert found[1] == 0.5  # of a logit of 0
    assert found[0] > 0.5


def test_what_runs_together_is_of_like_length(model: Classifier, sums: Sums) -> None:
    scores(model, [Text(text) for text in TEXTS])
    longest = [shape[1] for shape in sums.shapes]
    assert longest == sorted(longest)
    for inputs in sums.given[:-1]:
        assert inputs["attention_mask"].mean() > 0.5


def test_a_batch_holds_no_more_tokens_than_the_budget(model: Classifier, sums: Sums) -> None:
    sums.batch_tokens = 64
    scores(model, [Text(text) for text in TEXTS])
    assert all(count * longest <= 64 for count, longest in sums.shapes)
    assert all(count > 1 for count, _ in sums.shapes[:-1])
    assert sum(count for count, _ in sums.shapes) == len(TEXTS)


def test_a_list_is_shared_out_to_batches_that_run_side_by_side(folder: Path, model: Classifier) -> None:
    class Meeting(Sums):
        at_once = 2
        barrier = Barrier(2, timeout=10)

        def logits(self, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
            self.barrier.wait()
            return super().logits(inputs)

    meeting = Meeting()
    texts = [Text("영화"), Text("음악")] * 5
    assert scores(Classifier(folder, meeting), texts) == scores(model, texts)
    assert [count for count, _ in meeting.shapes] == [5, 5]


def test_a_text_that_is_longer_than_the_budget_runs_alone(model: Classifier, sums: Sums) -> None:
    sums.batch_tokens = 1
    scores(model, [Text("영화"), Text("음악")])
    assert [count for count, _ in sums.shapes] == [1, 1]


def test_what_pads_a_text_is_masked(model: Classifier, sums: Sums) -> None:
    scores(model, [Text("영화"), Text("영화 음악 이야기")])
    [inputs] = sums.given
    short = inputs["attention_mask"][0]
    assert 0 < short.sum() < len(short)
    assert (inputs["input_ids"][0][short == 0] == 0).all()
    assert inputs["attention_mask"][1].all()


def test_the_second_text_of_a_pair_is_marked(model: Classifier, sums: Sums) -> None:
    scores(model, [Text("영화", "음악")])
    types = sums.given[0]["token_type_ids"][0].tolist()
    assert set(types) == {0, 1}
    assert types == sorted(types)


def test_the_model_is_given_what_it_takes_and_no_more(folder: Path) -> None:
    runtime = Sums("input_ids", "attention_mask")
    scores(Classifier(folder, runtime), [Text("영화")])
    assert runtime.given[0].keys() == {"input_ids", "attention_mask"}


@pytest.mark.parametrize(("parameters", "longest"), [(Parameters(), 64), (Parameters(max_length=10), 10)])
def test_a_text_is_cut(model: Classifier, sums: Sums, parameters: Parameters, longest: int) -> None:
    scores(model, [Text("영화 " * 1000, parameters=parameters)])
    assert sums.shapes == [(1, longest)]


def test_of_a_pair_the_longer_is_cut(model: Classifier, sums: Sums) -> None:
    scores(model, [Text("영화 " * 1000, "음악")])
    assert sums.given[0]["token_type_ids"].sum() == 2  # the second text and what ends it


def test_texts_of_one_request_may_be_cut_differently(model: Classifier, sums: Sums) -> None:
    long = "영화 " * 1000
    scores(model, [Text(long, parameters=Parameters(max_length=size)) for size in (9, 64, 30)])
    assert sorted(inputs["attention_mask"].sum(axis=1).tolist() for inputs in sums.given) == [[9, 30, 64]]


def test_a_text_that_must_not_be_cut_is_refused_with_its_length_and_the_limit(model: Classifier) -> None:
    whole = Parameters(truncation=False)
    error = refused(model, Text("영화 " * 100, parameters=whole, where="inputs[7]"))
    assert error.as_json()["error"] == {
        "code": "text_too_long",
        "message": "the text has 102 tokens, more than 64; shorten it, or leave truncation on to have it cut",
        "where": "inputs[7]",
    }


def test_a_text_that_fits_need_not_be_cut(model: Classifier, sums: Sums) -> None:
    scores(model, [Text("영화", parameters=Parameters(truncation=False))])
    assert sums.shapes == [(1, 3)]


@pytest.mark.parametrize(
    ("pair", "max_length", "message"),
    [
        (None, 65, "max_length is 65; this model takes 3 to 64"),
        (None, 2, "max_length is 2; this model takes 3 to 64"),
        ("음악", 3, "max_length is 3; this model takes 4 to 64"),
    ],
)
def test_a_length_that_the_model_has_not_is_refused(
    model: Classifier, pair: str | None, max_length: int, message: str
) -> None:
    error = refused(model, Text("영화", pair, Parameters(max_length=max_length), where="line 2"))
    assert (error.status, error.code, error.message, error.where) == (
        400,
        "wrong_parameter",
        message,
        "line 2",
    )


def test_a_refused_text_takes_no_other_with_it(model: Classifier) -> None:
    bad = Text("영화", parameters=Parameters(max_length=65))
    first, second, third = model.classify([Text("영화"), bad, Text("음악")])
    assert isinstance(second, RequestError)
    assert [list(first), list(third)] == scores(model, [Text("영화"), Text("음악")])  # type: ignore[arg-type]


def test_nothing_is_computed_after_the_deadline(model: Classifier, sums: Sums) -> None:
    class Slow(Sums):
        def logits(self, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
            time.sleep(0.05)
            return super().logits(inputs)

    model.runtime = slow = Slow()
    slow.batch_tokens = 1
    with pytest.raises(RequestError, match="too_much_work"):
        model.classify([Text("영화")] * 100, deadline=time.monotonic() + 0.12)
    assert 1 <= len(slow.given) <= 3


def test_no_texts_have_no_scores(model: Classifier) -> None:
    assert model.classify([]) == []


def test_requests_at_the_same_time_do_not_cut_each_others_texts(model: Classifier) -> None:
    def ask(size: int) -> list[list[float]]:
        return scores(model, [Text("영화 음악 " * 50, parameters=Parameters(max_length=size))])

    sizes = [5, 20, 60, 64] * 50
    alone = {size: ask(size) for size in set(sizes)}
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, sizes)) == [alone[size] for size in sizes]


def test_the_tokenizer_does_not_pad_as_it_was_last_used(folder: Path, sums: Sums, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    file = tmp_path / "model" / "tokenizer.json"
    saved = json.loads(file.read_text(encoding="utf-8"))
    saved["padding"] = {
        "strategy": {"Fixed": 50},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    file.write_text(json.dumps(saved), encoding="utf-8")
    scores(Classifier(tmp_path / "model", sums), [Text("영화")])
    assert sums.shapes == [(1, 3)]


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_file_that_is_missing_is_named(folder: Path, sums: Sums, tmp_path: Path, name: str) -> None:
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    with pytest.raises(OSError, match=name):
        Classifier(tmp_path / "model", sums)
