"""The workflows' own scripts, run as GitHub runs them; `gh` and what takes long are stand-ins."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.delivery import fake_gh
from tests.github.workflows import ROOT, step
from tests.scripts import write_executable

COMMIT, OTHER = "a" * 40, "b" * 40

PYTHON = """
import os, pathlib, sys
module = sys.argv[2]
if module == "delivery.allowed":
    print(os.environ["ALLOWED"], end="")
elif module == "review":
    pathlib.Path("review-arguments").write_text("\\n".join(sys.argv[3:]))
    pathlib.Path("build/review.md").write_text("# 검토\\n", encoding="utf-8")
elif module == "delivery.drift":
    print("## drift")
sys.exit(0 if module == "delivery.allowed" else int(os.environ["ENDS_WITH"]))
"""


class Runner:
    """A folder in which a step's script runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "build").mkdir()
        self._bin = folder / "bin"
        self._bin.mkdir()
        fake_gh.install(self._bin)
        python = folder / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        write_executable(python, PYTHON)
        (folder / "delivery").symlink_to(ROOT / "delivery")

    def run(
        self, job: str, name: str, *, answers: dict[str, Any] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the script of a step; `answers` are what `gh` answers, by words in its arguments."""
        (self._bin / "answers.json").write_text(json.dumps(answers or {}), encoding="utf-8")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(job, name)["run"]],
            cwd=self.folder,
            env={
                "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
                **environment,
            },
            capture_output=True,
            encoding="utf-8",
        )

    def read(self, file: str) -> str:
        return (self.folder / file).read_text(encoding="utf-8")

    def gh(self) -> list[list[str]]:
        """The arguments of each call of `gh`."""
        return [json.loads(line) for line in self.read("bin/calls").splitlines()]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def review(runner: Runner, *, allowed: str, ends_with: int) -> subprocess.CompletedProcess[str]:
    git(runner.folder, "init", "--quiet")
    for message in ("base", "merge"):
        git(runner.folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return runner.run(
        "pull-request.review", "Review", ALLOWED=allowed, ENDS_WITH=str(ends_with), NUMBER="7", COMMIT=COMMIT
    )


@pytest.mark.parametrize("status", [0, 3])
def test_the_review_stands_in_the_summary_however_it_ends(runner: Runner, status: int) -> None:
    assert review(runner, allowed="", ends_with=status).returncode == 0
    assert runner.read("summary") == "# 검토\n"
    assert runner.read("output") == f"status={status}\n"


def test_the_review_compares_with_the_merges_first_parent(runner: Runner) -> None:
    review(runner, allowed="", ends_with=0)
    arguments = runner.read("review-arguments").splitlines()
    assert arguments[:2] == ["--base", "base"]
    messages = subprocess.run(
        ["git", "-C", str(runner.folder), "log", "--format=%s", "base"], capture_output=True, encoding="utf-8"
    )
    assert messages.stdout == "base\n"


def test_the_review_is_told_what_reviewers_let_pass(runner: Runner) -> None:
    review(runner, allowed="nunchi-prod-storage/Data\nnunchi-prod-storage/a; b\n", ends_with=0)
    arguments = runner.read("review-arguments").splitlines()
    assert arguments[-3:] == ["--allow", "nunchi-prod-storage/Data", "nunchi-prod-storage/a; b"]


def test_the_review_is_told_of_no_flag_when_nobody_lets_anything_pass(runner: Runner) -> None:
    review(runner, allowed="", ends_with=0)
    assert "--allow" not in runner.read("review-arguments")


@pytest.mark.parametrize(("status", "told"), [("0", False), ("3", True)])
def test_the_comment_links_the_page_and_says_how_to_let_a_danger_pass(
    runner: Runner, status: str, told: bool
) -> None:
    name = "Say where the page is, and how a danger is allowed"
    runner.run("pull-request.review", name, PAGE="https://example.org/page", STATUS=status)
    comment = runner.read("build/review.md")
    assert "(https://example.org/page)" in comment
    assert ("--allow NAME" in comment) == told


def test_a_danger_that_nobody_let_pass_stops_the_pull_request(runner: Runner) -> None:
    finished = runner.run("pull-request.review", "Stop at a danger that nobody has allowed", STATUS="3")
    assert finished.returncode == 3


def test_the_comment_is_put_in_the_place_of_the_one_before(runner: Runner) -> None:
    runner.run(
        "pull-request.comment",
        "Write the comment, or put the new one in its place",
        NUMBER="7",
        answers={"pr comment": ""},
    )
    assert runner.gh() == [
        ["pr", "comment", "7", "--edit-last", "--create-if-none", "--body-file", "review.md"]
    ]


def runs(commit: str) -> dict[str, Any]:
    nodes = [{"commitOid": commit, "latestStatus": {"state": "SUCCESS"}}]
    return {"environment=staging": {"data": {"repository": {"deployments": {"nodes": nodes}}}}}


def test_prod_takes_the_commit_that_staging_runs(runner: Runner) -> None:
    finished = runner.run("deploy.plan", "Only what staging runs", GITHUB_SHA=COMMIT, answers=runs(COMMIT))
    assert finished.returncode == 0


def test_prod_takes_no_other_commit_and_says_which_staging_runs(runner: Runner) -> None:
    finished = runner.run("deploy.plan", "Only what staging runs", GITHUB_SHA=COMMIT, answers=runs(OTHER))
    assert finished.returncode == 1
    assert COMMIT in finished.stdout
    assert OTHER in finished.stdout


def test_prod_takes_nothing_when_github_does_not_answer(runner: Runner) -> None:
    assert runner.run("deploy.plan", "Only what staging runs", GITHUB_SHA=COMMIT).returncode == 1


def compare(runner: Runner, ends_with: str) -> subprocess.CompletedProcess[str]:
    return runner.run("drift.drift", "Compare", NAME="prod", ENDS_WITH=ends_with)


@pytest.mark.parametrize("status", ["0", "3"])
def test_a_comparison_is_reported_whatever_it_found(runner: Runner, status: str) -> None:
    assert compare(runner, status).returncode == 0
    assert (runner.read("summary"), runner.read("output")) == ("## drift\n", f"status={status}\n")


def test_what_could_not_be_compared_fails_at_once(runner: Runner) -> None:
    assert compare(runner, "1").returncode == 1


def issue(runner: Runner, *, status: str, number: str) -> tuple[int, list[list[str]]]:
    """The exit status, and the calls of `gh` after the one that looks for the issue."""
    finished = runner.run(
        "drift.drift",
        "Open, update or close the issue",
        NAME="prod",
        TITLE="Drift: prod",
        STATUS=status,
        answers={"issue list": number, "issue": ""},
    )
    return finished.returncode, [call[:3] for call in runner.gh()[1:]]


def test_drift_opens_an_issue_and_fails(runner: Runner) -> None:
    assert issue(runner, status="3", number="") == (3, [["issue", "create", "--title"]])


def test_drift_that_stays_keeps_its_issue_up_to_date_and_fails(runner: Runner) -> None:
    assert issue(runner, status="3", number="12") == (3, [["issue", "edit", "12"]])


def test_drift_that_is_gone_closes_its_issue(runner: Runner) -> None:
    assert issue(runner, status="0", number="12") == (0, [["issue", "close", "12"]])


def test_no_drift_and_no_issue_does_nothing(runner: Runner) -> None:
    assert issue(runner, status="0", number="") == (0, [])
