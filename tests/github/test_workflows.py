"""The workflows: what they trust, what they may do, and that what they run is there.

What GitHub itself makes of them is not run here; `make lint` has actionlint read them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stacks.settings_file import load_all
from tests.github.workflows import ACTIONS, FILES, ROOT, WORKFLOWS, Yaml, jobs, steps

USES = re.compile(r"uses: (\S+)(.*)")
JOBS = dict(jobs())
WITH_CREDENTIALS = [
    name
    for name, job in JOBS.items()
    if any("configure-aws-credentials" in one.get("uses", "") for one in job["steps"])
]


@pytest.mark.parametrize("file", FILES + ACTIONS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(file: Path) -> None:
    for action, comment in USES.findall(file.read_text(encoding="utf-8")):
        if not action.startswith("./"):
            assert re.search(r"@[0-9a-f]{40}$", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_an_action_has_one_version_everywhere() -> None:
    pins = {
        use
        for file in FILES + ACTIONS
        for use in USES.findall(file.read_text(encoding="utf-8"))
        if not use[0].startswith("./")
    }
    assert len(pins) == len({action.partition("@")[0] for action, _ in pins})


def test_every_local_action_is_there() -> None:
    local = {one["uses"] for _, one in steps() if one.get("uses", "").startswith("./")}
    assert {ROOT / action / "action.yml" for action in local} == set(ACTIONS)


@pytest.mark.parametrize("workflow", WORKFLOWS.values(), ids=WORKFLOWS)
def test_a_workflow_may_do_nothing_but_what_its_jobs_say(workflow: Yaml) -> None:
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


def test_these_jobs_may_write_and_no_others() -> None:
    writes = {
        (name, scope)
        for name, job in JOBS.items()
        for scope, may in job["permissions"].items()
        if may == "write"
    }
    assert writes == {
        ("pull-request.comment", "pull-requests"),
        ("deploy.plan", "id-token"),
        ("deploy.deploy", "id-token"),
        ("drift.drift", "id-token"),
        ("drift.drift", "issues"),
    }


def test_the_job_that_may_comment_runs_nothing_of_the_pull_request() -> None:
    job = JOBS["pull-request.comment"]
    assert not any("checkout" in one.get("uses", "") for one in job["steps"])
    assert [one["run"].split()[0] for one in job["steps"] if "run" in one] == ["gh"]


def test_no_workflow_starts_with_rights_on_what_a_stranger_wrote() -> None:
    events = {event for workflow in WORKFLOWS.values() for event in workflow["on"]}
    assert events == {"pull_request", "push", "workflow_dispatch", "schedule"}


def test_no_script_has_anything_put_into_it_by_github() -> None:
    assert [one["run"] for _, one in steps() if "${{" in one.get("run", "")] == []


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [one for _, one in steps() if one.get("uses", "").startswith("actions/checkout@")]
    assert all(one["with"]["persist-credentials"] is False for one in checkouts)


def test_no_workflow_uses_a_secret() -> None:
    assert [file.name for file in FILES if "secrets." in file.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("name", WITH_CREDENTIALS)
def test_aws_is_reached_by_the_role_of_the_github_environment(name: str) -> None:
    job = JOBS[name]
    (credentials,) = (one for one in job["steps"] if "configure-aws-credentials" in one.get("uses", ""))
    assert job["environment"]
    assert credentials["with"] == {
        "aws-region": "${{ vars.AWS_REGION }}",
        "role-to-assume": "${{ vars.AWS_ROLE_ARN }}",
        "allowed-account-ids": "${{ vars.AWS_ACCOUNT_ID }}",
    }


def test_only_the_deployment_has_the_role_that_writes() -> None:
    assert {name for name in WITH_CREDENTIALS if not JOBS[name]["environment"].endswith("-read")} == {
        "deploy.deploy"
    }


def test_nothing_is_deployed_before_what_it_changes_is_shown() -> None:
    assert JOBS["deploy.deploy"]["needs"] == "plan"


@pytest.mark.parametrize("name", ["deploy.plan", "deploy.deploy"])
def test_the_rule_packs_judge_before_there_are_credentials(name: str) -> None:
    said = [one.get("run", one.get("uses", "")) for one in JOBS[name]["steps"]]
    synth = next(number for number, words in enumerate(said) if "cdk synth" in words)
    assert synth < next(number for number, words in enumerate(said) if "credentials" in words)


def test_two_deployments_of_an_environment_never_overlap() -> None:
    deploy = WORKFLOWS["deploy"]
    assert deploy["concurrency"] == {
        "group": "deploy-${{ inputs.environment || 'dev' }}",
        "cancel-in-progress": False,
    }
    assert JOBS["deploy.deploy"]["environment"] == "${{ inputs.environment || 'dev' }}"


def test_every_environment_is_deployed_and_looked_at_each_night() -> None:
    names = sorted(settings.environment for settings in load_all(ROOT / "config"))
    choices = WORKFLOWS["deploy"]["on"]["workflow_dispatch"]["inputs"]["environment"]["options"]
    (listed,) = (
        re.findall(r"delivery\.running ([a-z0-9 ]+)\)", one["run"])
        for one in JOBS["drift.running"]["steps"]
        if "run" in one
    )
    assert sorted(["dev", *choices]) == names
    assert sorted(listed[0].split()) == names


def test_every_make_target_and_module_that_a_script_runs_is_there() -> None:
    scripts = "\n".join(one["run"] for _, one in steps() if "run" in one)
    targets = set(re.findall(r"^make ([a-z-]+)", scripts, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets
    assert targets <= {
        target for line in re.findall(r"^([a-z -]+):", makefile, re.MULTILINE) for target in line.split()
    }
    modules = set(re.findall(r"python3? -m ([a-z.]+)", scripts)) - {"venv"}
    assert {"delivery.allowed", "delivery.drift", "delivery.running", "review"} == modules
    for module in modules:
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_python_is_the_one_that_the_lock_was_tried_on() -> None:
    versions = {one["with"]["python-version"] for _, one in steps() if "setup-python" in one.get("uses", "")}
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert versions == set(re.findall(r'requires-python = ">=([\d.]+)"', pyproject))


def test_a_fork_gets_no_comment() -> None:
    assert "head.repo.full_name == github.repository" in JOBS["pull-request.comment"]["if"]
