from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, DataCollatorWithPadding

from batches import Inputs, order, shares
from encoding import encode
from rows import Row

LENGTHS = np.random.default_rng(0).integers(3, 120, size=10_000)


def test_every_row_is_in_one_step_of_an_epoch() -> None:
    steps = order(LENGTHS, 64, seed=1, epoch=0)
    assert sorted(np.concatenate(steps).tolist()) == list(range(10_000))


def test_all_steps_but_the_last_are_full() -> None:
    steps = order(LENGTHS, 64, seed=1, epoch=0)
    assert {len(step) for step in steps[:-1]} == {64}
    assert len(steps[-1]) == 10_000 % 64


def test_the_rows_of_a_step_are_alike_in_length() -> None:
    steps = order(LENGTHS, 64, seed=1, epoch=0)
    padded = sum(len(step) * LENGTHS[step].max() for step in steps)
    assert padded < 1.05 * LENGTHS.sum()


def test_the_steps_are_in_no_order_of_length() -> None:
    longest = [LENGTHS[step].max() for step in order(LENGTHS, 64, seed=1, epoch=0)]
    assert abs(np.corrcoef(longest, range(len(longest)))[0, 1]) < 0.3


def test_each_epoch_has_another_order_and_the_same_at_every_start() -> None:
    first, again, second = (
        np.concatenate(order(LENGTHS, 64, seed=1, epoch=epoch)).tolist() for epoch in (0, 0, 1)
    )
    assert first == again != second


def test_of_few_rows_the_short_ones_are_in_many_steps() -> None:
    few = LENGTHS[:256]
    shortest = set(np.argsort(few)[:64].tolist())
    assert sum(bool(shortest & set(step.tolist())) for step in order(few, 32, seed=1, epoch=0)) >= 4


@pytest.mark.parametrize(("rows", "processes", "accumulated"), [(64, 2, 1), (64, 2, 4), (7, 4, 2), (1, 2, 2)])
def test_a_steps_rows_are_shared_out_once(rows: int, processes: int, accumulated: int) -> None:
    step = np.arange(rows)
    parts = list(shares(step, processes, accumulated))
    assert len(parts) == accumulated
    assert {len(part) for part in parts} == {processes}
    assert sorted(np.concatenate([mine for part in parts for mine in part]).tolist()) == step.tolist()


def test_a_batch_is_what_the_tokenizer_and_a_collator_make(checkpoint: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    texts = ["영화 좋았어요", "영화 정말 좋았어요 감동이에요", "음악 " * 100]
    rows = [Row(text, ("a",)) for text in texts]
    inputs = Inputs(encode(rows, {"a": 0}, tokenizer, 24), BertConfig(), tokenizer, torch.device("cpu"))
    batch = inputs.batch(np.array([2, 0, 1]))
    expected = DataCollatorWithPadding(tokenizer)(
        [
            tokenizer(texts[index], truncation=True, max_length=24, return_token_type_ids=True)
            for index in (2, 0, 1)
        ]
    )
    assert set(batch) == {*expected, "labels"}
    assert all(torch.equal(batch[name], expected[name]) for name in expected)


def test_the_second_of_two_texts_has_its_own_type(checkpoint: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    rows = [Row("영화", ("a",), "정말 좋았어요"), Row("영화 최고예요", ("a",), "음악")]
    inputs = Inputs(encode(rows, {"a": 0}, tokenizer, 24), BertConfig(), tokenizer, torch.device("cpu"))
    expected = tokenizer(
        [("영화", "정말 좋았어요"), ("영화 최고예요", "음악")],
        padding=True,
        return_token_type_ids=True,
        return_tensors="pt",
    )
    assert torch.equal(inputs.batch(np.array([0, 1]))["token_type_ids"], expected["token_type_ids"])


def test_a_text_is_padded_to_its_neighbours_and_no_further(checkpoint: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    rows = [
        Row("영화 좋았어요", ("a",)),
        Row("영화 정말 좋았어요 감동이에요", ("a",)),
        Row("음악 " * 100, ("a",)),
    ]
    inputs = Inputs(encode(rows, {"a": 0}, tokenizer, 64), BertConfig(), tokenizer, torch.device("cpu"))
    assert inputs.batch(np.array([0, 1]))["input_ids"].shape == (2, inputs.lengths[1])


def test_rows_in_order_of_length_are_all_rows(checkpoint: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    rows = [Row("영화 " * count, ("a",)) for count in (5, 1, 9, 3)]
    inputs = Inputs(encode(rows, {"a": 0}, tokenizer, 64), BertConfig(), tokenizer, torch.device("cpu"))
    assert np.concatenate(list(inputs.in_order_of_length(3))).tolist() == [1, 3, 0, 2]
