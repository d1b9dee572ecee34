"""Every change of the corpus is called dangerous for what is dangerous about it, and for nothing else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from review.checkout import ROOT
from review.compare import compare
from review.dangers import judged
from review.model import ResourceChange, Side
from review.pages import markdown
from review.resources import resource_changes
from tests.review.cases_dangerous import DANGEROUS
from tests.review.cases_harmless import HARMLESS
from tests.review.corpus import Case, synthesised

CASES = (*DANGEROUS, *HARMLESS)
REPORT = ROOT / "build" / "review-corpus.json"


@dataclass(frozen=True)
class Reviewed:
    """What the review says of a case."""

    resources: tuple[ResourceChange, ...]

    @property
    def dangers(self) -> set[str]:
        """Category and resource, as the corpus writes them, but with the environments' names."""
        return {f"{danger.category} {one.name}" for one in self.resources for danger in one.dangers}

    def missed(self, case: Case) -> list[str]:
        """What is dangerous in every environment that has it, and is not called so in one of them."""
        return [
            danger for danger in case.dangers if not any(one in self.dangers for one in _everywhere(danger))
        ]

    def false(self, case: Case) -> list[str]:
        """What is called dangerous and is not."""
        return sorted(self.dangers - {one for danger in case.dangers for one in _everywhere(danger)})


def _everywhere(danger: str) -> list[str]:
    return [danger.replace("<env>", name) for name in ("dev", "staging", "prod")]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Side]:
    return synthesised(tmp_path_factory.mktemp("corpus"), CASES)


@pytest.fixture(scope="module")
def reviewed(base: Side, sides: dict[str, Side]) -> dict[str, Reviewed]:
    def review(head: Side) -> Reviewed:
        changes = judged(resource_changes(base, head), base, head)
        return Reviewed(tuple(one for some in changes.values() for one in some))

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(sides, pool.map(review, sides.values()), strict=True))


@pytest.mark.parametrize("case", DANGEROUS, ids=lambda case: case.name)
def test_what_is_dangerous_is_called_so(reviewed: dict[str, Reviewed], case: Case) -> None:
    assert reviewed[case.name].missed(case) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_else_is_called_dangerous(reviewed: dict[str, Reviewed], case: Case) -> None:
    assert reviewed[case.name].false(case) == []


@pytest.mark.parametrize("case", HARMLESS, ids=lambda case: case.name)
def test_a_harmless_change_shows_where_it_is_one(reviewed: dict[str, Reviewed], case: Case) -> None:
    """A corpus whose edits change nothing proves nothing."""
    assert bool(reviewed[case.name].resources) == (not case.changes_nothing)


@pytest.mark.parametrize("case", [case for case in HARMLESS if case.says], ids=lambda case: case.name)
def test_next_to_nothing_is_one_line(base: Side, sides: dict[str, Side], case: Case) -> None:
    assert markdown(compare(base, sides[case.name])) == f"{case.says}\n"


def test_the_corpus_is_large_enough() -> None:
    assert len(DANGEROUS) >= 12
    assert len(HARMLESS) >= 10


def test_no_two_changes_have_one_name() -> None:
    """One of them would be reviewed in the other's place."""
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_figures_are_written_down(
    reviewed: dict[str, Reviewed], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "change": case.name,
            "dangerous": bool(case.dangers),
            "expected": sorted(case.dangers),
            "found": sorted(reviewed[case.name].dangers),
            "missed": reviewed[case.name].missed(case),
            "false": reviewed[case.name].false(case),
        }
        for case in CASES
    ]
    figures = {
        "dangerous": len(DANGEROUS),
        "caught": len([row for row in rows if row["dangerous"] and not row["missed"]]),
        "harmless": len(HARMLESS),
        "false_alarms": len([row for row in rows if row["false"]]),
        "cases": rows,
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    with capsys.disabled():
        print(
            f"\ncorpus: {figures['caught']} of {figures['dangerous']} dangerous changes are caught,"
            f" {figures['false_alarms']} false alarms among {len(CASES)}"
        )
    assert figures["caught"] == figures["dangerous"]
