"""The data's settings, and the job that they steer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from arguments import parse
from prepare import Arguments
from stacks.data_settings import DataSettings
from tests.stacks.evaluated import request
from tests.stacks.resolved import Environment, Json

ROOT = Path(__file__).resolve().parents[2]


def arguments(environment: Environment) -> list[str]:
    """What prepare.py is started with."""
    application = request(environment, "retrain", "Prepare")["AppSpecification"]
    script, *rest = application["ContainerArguments"]
    assert script == "prepare.py"
    return list(rest)


def test_prepare_has_the_defaults_of_the_settings(environments: dict[str, Environment]) -> None:
    assert parse(Arguments, arguments(environments["dev"])) == Arguments()


def test_prepare_reads_what_the_settings_say(variants: dict[str, Environment]) -> None:
    parsed = parse(Arguments, arguments(variants["korean"]))
    assert (parsed.text_column, parsed.label_column, parsed.min_rows) == ("리뷰 내용", "-평점", 50)
    assert parsed.by_value == {"-1": "부정", "0": "부정", "1": "긍정"}


def test_the_arguments_are_of_the_length_and_number_that_sagemaker_takes(
    variants: dict[str, Environment],
) -> None:
    longest = DataSettings(
        text_column="가" * 100,
        label_column="나" * 100,
        labels={f"{number:0100}": f"{number:060}" for number in range(50)},
        min_label_share=0.01,
    )
    written = [f"{name}={value}" for value, name in longest.labels.items()]
    assert max(map(len, [*written, f"--label_column={longest.label_column}"])) <= 256
    # Those of "korean", with its three labels, and the script.
    assert len(arguments(variants["korean"])) - 3 + len(written) + 1 <= 100


def inputs(request_: Json) -> dict[str, str]:
    return {one["InputName"]: one["S3Input"]["LocalPath"] for one in request_["ProcessingInputs"]}


def test_parquets_reader_comes_from_the_bucket_into_an_isolated_container(
    variants: dict[str, Environment],
) -> None:
    request_ = request(variants["korean"], "retrain", "Prepare")
    assert request_["NetworkConfig"]["EnableNetworkIsolation"] is True
    assert request_["Environment"] == {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": inputs(request_)["packages"],
        "REQUIREMENTS": "parquet-requirements.txt",
    }


def test_without_parquet_there_are_no_packages(environments: dict[str, Environment]) -> None:
    """An input that names an empty prefix fails the job."""
    request_ = request(environments["dev"], "retrain", "Prepare")
    assert "packages" not in inputs(request_)
    assert "Environment" not in request_


@pytest.mark.parametrize(
    ("variant", "installed"),
    [("dev", []), ("korean", ["-m pip install --quiet -r parquet-requirements.txt"])],
)
def test_prepare_is_started_after_what_it_needs_is_installed(
    environments: dict[str, Environment],
    variants: dict[str, Environment],
    variant: str,
    installed: list[str],
    tmp_path: Path,
) -> None:
    asks = request({**variants, **environments}[variant], "retrain", "Prepare")
    code = tmp_path / "code"
    code.mkdir()
    subprocess.run(["tar", "-czf", code / "a.gz", "-C", ROOT / "training_code", "."], check=True)
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    application = asks["AppSpecification"]
    entrypoint = [
        part.replace("/opt/ml/processing/input", str(tmp_path)) for part in application["ContainerEntrypoint"]
    ]
    started = subprocess.run(
        [*entrypoint, *application["ContainerArguments"]],
        env={"PATH": f"{python.parent}:/usr/bin:/bin", **asks.get("Environment", {})},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert started == [*installed, " ".join(application["ContainerArguments"])]


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "negative"},
        {"0": "negative", "1": "negative"},
        {"0": "-", "1": "positive"},
        {"0": " negative", "1": "positive"},
        {"0": "", "1": "positive"},
        {"": "negative", "1": "positive"},
        {True: "positive", False: "negative"},
        {str(number): str(number) for number in range(51)},
    ],
)
def test_labels_that_prepare_could_not_be_told_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="labels"):
        DataSettings(labels=labels)
