"""The data's settings, and the job that they steer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from arguments import parse
from prepare import Arguments
from stacks.data_settings import DataSettings
from stacks.jobs import data_arguments
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


def test_the_arguments_are_of_the_length_and_number_that_sagemaker_takes() -> None:
    longest = DataSettings(
        text_column="가" * 100,
        label_column="나" * 100,
        text_pair_column="다" * 100,
        label_separator="|" * 10,
        labels={f"{number:0100}": f"{number:060}" for number in range(50)},
        min_label_share=0.01,
    )
    told = data_arguments(longest)
    assert max(map(len, told)) <= 256
    assert len(["prepare.py", *told]) <= 100


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


@pytest.mark.parametrize(
    ("settings", "names", "pair", "separator"),
    [
        (DataSettings(text_pair_column="가설"), ["negative", "positive"], "가설", None),
        (DataSettings(label_separator="|"), ["negative", "positive"], None, "|"),
        (DataSettings(labels={}), [], None, None),
        (DataSettings(labels={}, label_separator="-"), [], None, "-"),
    ],
)
def test_pairs_several_labels_and_labels_of_the_files_reach_prepare(
    settings: DataSettings, names: list[str], pair: str | None, separator: str | None
) -> None:
    parsed = parse(Arguments, data_arguments(settings))
    assert (parsed.names, parsed.text_pair_column, parsed.label_separator) == (names, pair, separator)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"text_pair_column": "document"}, "text_pair_column\n.* is text_column, too"),
        ({"text_pair_column": "label"}, "text_pair_column\n.* is label_column, too"),
        ({"label_column": "document"}, "label_column\n.* is text_column, too"),
    ],
)
def test_each_column_is_another(columns: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DataSettings.model_validate(columns)


@pytest.mark.parametrize("separator", ["", " ", "a b", "\n", "|" * 11])
def test_what_separates_no_labels_is_refused(separator: str) -> None:
    with pytest.raises(
        ValidationError, match=r"label_separator\n.*allowed: 1 to 10 characters without blanks"
    ):
        DataSettings(label_separator=separator)


def test_a_label_that_its_separator_would_cut_is_refused() -> None:
    with pytest.raises(ValidationError, match="has 'a,b', which label_separator would cut"):
        DataSettings(label_separator=",", labels={"a,b": "one", "c": "two"})


def test_where_a_text_may_have_several_labels_their_shares_may_add_up_to_more_than_all() -> None:
    labels = {str(number): f"label {number}" for number in range(3)}
    with pytest.raises(ValidationError, match="cannot be had by each of 3 labels"):
        DataSettings(labels=labels, min_label_share=0.5)
    assert DataSettings(labels=labels, min_label_share=0.5, label_separator=",").min_label_share == 0.5
