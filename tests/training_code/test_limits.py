from dataclasses import replace

from contract import UserError
from limits import Check, Limits, check_drift, check_rows, enforce
from manifest import Summary, summarise
from problems import Problems
from records import Record
from split import distinct

NAMES = ["부정", "긍정"]
LIMITS = Limits(
    min_rows=100,
    min_label_share=0.1,
    max_duplicate_share=0.2,
    max_conflict_share=0.05,
    max_label_drift=0.1,
    max_length_drift=0.2,
)


def records(count: int, positive: float = 0.5, length: int = 10, start: int = 0) -> list[Record]:
    """Different texts, `positive` of them with the second label."""
    return [
        Record(
            f"{number:0{length}}",
            (NAMES[(number - start) < positive * count],),
            file="train/a.tsv",
            number=number + 2,
        )
        for number in range(start, start + count)
    ]


def told(checks: list[Check]) -> str:
    """The message about the limits that are not kept; empty if all are."""
    problems = Problems()
    enforce(checks, problems)
    try:
        problems.raise_if_any()
    except UserError as error:
        return str(error)
    return ""


def said(rows: list[Record]) -> str:
    return told(check_rows(distinct(rows), NAMES, LIMITS))


def test_too_few_rows() -> None:
    assert said(records(100)) == ""
    assert said(records(99)) == "min_rows: 99 distinct texts are left, and 100 are needed; give more data"


def test_a_label_with_too_small_a_share() -> None:
    assert said(records(200, 0.1)) == ""
    assert said(records(200, 0.09)) == (
        "min_label_share: a label has less than 10.0% of the texts; give more of it\n  긍정: 9.0%, 18 texts"
    )


def test_a_label_without_a_text() -> None:
    assert said(records(200, 0)).endswith("\n  긍정: 0.0%, 0 texts")


def test_too_many_duplicates() -> None:
    rows = records(200)
    assert said(rows + rows[:50]) == ""
    lines = said(rows + rows[:51]).splitlines()
    assert lines[0].startswith("max_duplicate_share: 20.3% of the rows repeat an earlier one, 20.0% may;")
    assert lines[1:] == [*(f"  {row.place}: '{row.text}'" for row in rows[:3]), "  and 48 more"]


def test_too_many_conflicting_labels() -> None:
    rows = records(190)
    twice = [
        row
        for number in range(300, 306)
        for row in (records(1, 0, start=number) + records(1, 1, start=number))
    ]
    assert said(rows + twice[:10]) == ""
    lines = said(rows + twice).splitlines()
    assert lines[0].startswith(
        "max_conflict_share: 5.9% of the rows have a text that carries another label, too, 5.0%"
    )
    assert lines[1:3] == [f"  train/a.tsv:302: {name}: '0000000300'" for name in NAMES]


def test_all_limits_that_are_not_kept_are_told_together() -> None:
    rows = records(10, 0)
    message = said(rows + rows)
    assert [rule for rule in vars(LIMITS) if f"{rule}:" in message] == [
        "min_rows",
        "min_label_share",
        "max_duplicate_share",
    ]


def summary(*rows: Record) -> Summary:
    return summarise(rows, NAMES)


def test_drift_of_a_labels_share() -> None:
    then = summary(*records(100, 0.5))
    assert told(check_drift(summary(*records(100, 0.59)), then, LIMITS)) == ""
    lines = told(check_drift(summary(*records(100, 0.62)), then, LIMITS)).splitlines()
    assert lines[0].startswith("max_label_drift: a label's share has changed by 12.0 points")
    assert lines[1:] in (
        ["  부정 has 38.0% of the rows, 50.0% of the champion's"],
        ["  긍정 has 62.0% of the rows, 50.0% of the champion's"],
    )


def test_drift_of_the_lengths() -> None:
    then = summary(*records(100, length=10))
    mixed = [*records(81, length=10), *records(19, length=35)]
    limits = replace(LIMITS, max_label_drift=1)
    assert told(check_drift(summary(*mixed), then, limits)) == ""
    longer = [*records(70, length=10), *records(30, length=35)]
    lines = told(check_drift(summary(*longer), then, limits)).splitlines()
    assert lines[0].startswith("max_length_drift: the texts' lengths have shifted by 30.0 points")
    assert lines[1:] == ["  70.0% of the texts have at most 10 characters, 100.0% of the champion's"]


def test_of_several_labels_a_text_each_has_its_own_share() -> None:
    rows = [
        Record(f"{number}", labels, None, True, file="a", number=number)
        for number, labels in enumerate([tuple(NAMES)] * 91 + [("긍정",)] * 9 + [()] * 900)
    ]
    assert said(rows).splitlines()[1:] == ["  부정: 9.1%, 91 texts"]
