"""The command: what it writes, what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from review import __main__ as command
from review.checkout import CheckoutError
from review.compare import compare
from review.model import Side
from tests.review.conftest import Change

RETRAIN = "nunchi-prod-training/Schedule/Retrain"

Run = Callable[..., int]


@pytest.fixture(scope="module")
def rescheduled(change: Change) -> Side:
    """Prod retrains every night, which is dangerous, and one more is told, which is not."""
    return change(
        ("config/prod.yaml", "cron(0 3 ? * SUN *)", "cron(0 3 * * ? *)"),
        ("config/prod.yaml", "region:", "notification_emails: [on-call@example.com]\nregion:"),
    )


@pytest.fixture(scope="module")
def prod_outside(change: Change) -> Side:
    """Prod has no network of its own any more: each of its jobs leaves it."""
    return change(("config/prod.yaml", "network: {}\n", ""))


@pytest.fixture
def run(
    base: Side, rescheduled: Side, prod_outside: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Reviews what is prepared: `base`, `head` and `outside`."""
    sides = {"base": base, "head": rescheduled, "outside": prod_outside}

    def prepared(ref: str, folder: Path) -> Side:
        if ref not in sides:
            raise CheckoutError(f"there is no commit {ref!r}")
        return sides[ref]

    monkeypatch.setattr(command, "synthesise", prepared)
    monkeypatch.setattr(command, "_FOLDER", tmp_path)

    def runs(*arguments: str, base: str = "base", head: str = "head") -> int:
        return command.main(["--base", base, "--head", head, *arguments])

    return runs


def test_what_is_dangerous_and_not_allowed_fails(run: Run) -> None:
    assert run() == command.NOT_ALLOWED


def test_what_is_allowed_passes(run: Run) -> None:
    assert run("--allow", RETRAIN) == 0


def test_nothing_dangerous_passes(run: Run) -> None:
    assert run(head="base") == 0


def test_what_is_not_dangerous_cannot_be_allowed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status = run("--allow", RETRAIN, "--allow", "nunchi-prod-storage/Data")
    said = capsys.readouterr().err
    assert status == 1
    assert said == (
        "Synthesising base and head\n--allow names what is not dangerous: nunchi-prod-storage/Data\n"
        f"Dangerous:\n  {RETRAIN}\n"
    )


def test_the_flag_that_lets_it_pass_is_printed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run()
    assert f"--allow {RETRAIN}\n" in capsys.readouterr().out


def test_the_first_line_is_the_verdict(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(head="base")
    assert capsys.readouterr().out.splitlines()[0] == "Nothing changes."


def test_every_danger_of_a_resource_is_printed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(head="outside")
    said = capsys.readouterr().out
    assert said.count("Prepare.Arguments.NetworkConfig.VpcConfig goes") == 1
    assert said.count("Train.Arguments.VpcConfig goes") == 1


def test_a_commit_that_is_not_there_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(head="nowhere")
    assert status == 1
    assert "There is no review: there is no commit 'nowhere'" in capsys.readouterr().err


def test_both_pages_are_written(run: Run, tmp_path: Path) -> None:
    run()
    assert {file.name for file in tmp_path.iterdir()} == {"review.html", "review.md"}


def test_the_pages_are_written_where_it_is_asked_for(run: Run, tmp_path: Path) -> None:
    run("--markdown", str(tmp_path / "new" / "a.md"), "--html", str(tmp_path / "new" / "a.html"))
    assert {file.name for file in (tmp_path / "new").iterdir()} == {"a.html", "a.md"}


def test_the_review_as_data_has_every_danger(run: Run, tmp_path: Path) -> None:
    run("--json", str(tmp_path / "review.json"))
    review = json.loads((tmp_path / "review.json").read_text(encoding="utf-8"))
    found = [
        danger["category"]
        for environment in review["environments"]
        for resource in environment["resources"]
        for danger in resource["dangers"]
    ]
    assert found == ["schedule"]


def test_two_reviews_of_the_same_are_the_same(run: Run, tmp_path: Path) -> None:
    def written() -> list[bytes]:
        run("--json", str(tmp_path / "review.json"))
        return [file.read_bytes() for file in sorted(tmp_path.iterdir())]

    assert written() == written()


def test_a_code_change_alone_is_said_of_every_environment(base: Side, change: Change) -> None:
    head = change(("training_code/train.py", "import json\n", "import json\nimport glob\n"))
    assert [one.code_only for one in compare(base, head).environments] == [True, True, True]
