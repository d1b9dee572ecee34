import random
import unicodedata
from collections import Counter
from collections.abc import Iterator

import pytest

from normalisation import normalise
from records import Record
from split import bucket, distinct, split

WORDS = ["재미있어요", "ㅋㅋㅋ", "10점", "OST", "별로", "각본이", "👍", "안", "좋다"]


def variants(text: str) -> list[str]:
    """The text as other people type it."""
    return [
        text,
        f"  {text} ",
        text.replace(" ", "\u3000"),
        unicodedata.normalize("NFD", text),
        f"\u200b{text}",
    ]


def random_rows(chance: random.Random, count: int) -> list[Record]:
    """Rows of few words, so that many repeat one another and some contradict."""
    return [
        Record(
            normalise(chance.choice(variants(" ".join(chance.choices(WORDS, k=chance.randint(1, 4)))))),
            (chance.choices(["negative", "positive"], [20, 1])[0],),
            file="train/a.tsv",
            number=number,
        )
        for number in range(count)
    ]


def many() -> Iterator[random.Random]:
    return (random.Random(seed) for seed in range(50))  # noqa: S311  # no secret


def sides(rows: list[Record], test: list[Record] | None, chance: random.Random) -> dict[str, list[Record]]:
    return split(distinct(rows).kept, test, chance.uniform(0.05, 0.4), chance.uniform(0.05, 0.4))


def test_whatever_the_rows_no_text_is_on_two_sides_or_twice() -> None:
    for chance in many():
        made = sides(random_rows(chance, chance.randint(0, 500)), None, chance)
        texts = [record.text for records in made.values() for record in records]
        assert len(texts) == len(set(texts))


def test_whatever_the_rows_a_texts_side_does_not_depend_on_the_others() -> None:
    for chance in many():
        rows = random_rows(chance, 300)
        some = chance.sample(distinct(rows).kept, 30)
        state = chance.getstate()
        side = {
            record.text: name for name, records in sides(rows, None, chance).items() for record in records
        }
        chance.setstate(state)
        alone = {
            record.text: name for name, records in sides(some, None, chance).items() for record in records
        }
        assert alone == {text: side[text] for text in alone}


def test_whatever_the_rows_each_is_kept_a_duplicate_or_in_conflict() -> None:
    for chance in many():
        rows = random_rows(chance, 300)
        found = distinct(rows)
        assert Counter(found.kept + found.duplicates + found.conflicting) == Counter(rows)
        assert {r.text for r in found.duplicates} <= {r.text for r in found.kept}
        assert not {r.text for r in found.conflicting} & {r.text for r in found.kept}


def test_the_bucket_of_a_text_never_changes() -> None:
    assert [bucket("재미있어요"), bucket("10점")] == [255, 142]


def test_the_fractions_are_about_what_was_asked() -> None:
    rows = [Record(f"{number}점", ("positive",), file="a", number=number) for number in range(2000)]
    sizes = {name: len(records) / 2000 for name, records in split(rows, None, 0.2, 0.3).items()}
    assert sizes == pytest.approx({"train": 0.5, "validation": 0.2, "test": 0.3}, abs=0.03)


def test_an_official_test_set_stays_as_it_is() -> None:
    rows = [Record(f"{number}점", ("positive",), file="a", number=number) for number in range(200)]
    test = [
        Record("같은 글", (label,), file="b", number=number) for number, label in enumerate(("긍정", "부정"))
    ]
    made = split(rows, test, 0.1, 0.5)
    assert made["test"] == test
    assert len(made["train"]) + len(made["validation"]) == len(rows)


def test_a_pair_in_either_order_is_on_one_side_and_not_on_that_of_its_texts() -> None:
    assert bucket("비가 온다", "날씨가 궂다") == bucket("날씨가 궂다", "비가 온다") == 546
    assert bucket("비가 온다 날씨가 궂다") != 546


def test_pairs_that_share_a_text_are_different() -> None:
    rows = [
        Record("비가 온다", ("중립",), second, file="a", number=number)
        for number, second in enumerate(("맑다", "흐리다", "맑다"))
    ]
    found = distinct(rows)
    assert (found.kept, found.duplicates, found.conflicting) == (rows[:2], rows[2:], [])


def test_rows_that_disagree_on_one_of_several_labels_are_in_conflict() -> None:
    rows = [
        Record("봤다", labels, None, True, file="a", number=1)
        for labels in [("연기",), ("연기", "음악"), ("연기",)]
    ]
    assert distinct(rows).conflicting == rows
