from __future__ import annotations

from pathlib import Path

import pytest

from stacks.settings import Settings, SettingsError, load

ROOT = Path(__file__).resolve().parents[2]


def refused(tmp_path: Path, text: str, name: str = "dev") -> str:
    path = tmp_path / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(path)
    return str(caught.value)


def test_the_dev_environment_loads() -> None:
    assert load(ROOT / "config" / "dev.yaml").environment == "dev"


def test_an_unknown_field_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    message = refused(tmp_path, "environment: dev\ntraining:\n  instance_typ: ml.p3.2xlarge\n")
    assert message.endswith("dev.yaml: training.instance_typ: is not a setting; did you mean instance_type?")


def test_an_unknown_field_far_from_any_lists_those_allowed(tmp_path: Path) -> None:
    message = refused(tmp_path, "environment: dev\ngate:\n  colour: red\n")
    assert "gate.colour: is not a setting; allowed: min_accuracy, max_accuracy_drop" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gate:\n  min_accuracy: 85", "gate.min_accuracy: 85 input should be less than or equal to 1"),
        ("gate:\n  min_accuracy: yes", "gate.min_accuracy: True input should be a valid number"),
        ("gate:", "gate: must hold fields, or be left out"),
        ("gate: {}\ngate: {}", "gate is given twice"),
        ("region: us-gov-west-1", "region: 'us-gov-west-1' has no known Hugging Face images; allowed: ap-"),
        ("account: 123456789012", "account: 123456789012 input should be a valid string"),
        ('account: "1234"', "account: '1234' must be an AWS account's 12 digits, in quotes"),
        ("training:\n  instance_type: p3.2xlarge", "'p3.2xlarge' is not a SageMaker instance type; allowed:"),
        (
            "training:\n  instance_type: ml.m5.xlarge",
            "training.instance_type: 'ml.m5.xlarge': the gpu training",
        ),
        (
            "training:\n  instance_type: ml.p6-b200.48xlarge",
            "allowed: ml.<family>.<size> of the families p3,",
        ),
        (
            "training:\n  transformers: 4.99.0",
            "transformers 4.99.0 has no gpu training image; allowed: 4.49.0",
        ),
        ("processing:\n  instance_type: ml.g5.xlarge", "processing.instance_type: 'ml.g5.xlarge': the cpu"),
        (
            "serving:\n  instance_type: ml.c7g.large",
            "serving.instance_type: 'ml.c7g.large': the cpu inference",
        ),
        ("serving:\n  instance_type: ml.inf2.xlarge", "allowed: ml.<family>.<size> of the families c5,"),
        ("serving:\n  instance_count: 0", "serving.instance_count: 0 input should be greater than or equal"),
        ("training:\n  base_checkpoint:\n    s3_prefix: a/b", "'a/b' must be the name of one folder below"),
        ("notification_emails: [someone]", "has 'someone', which is not an e-mail address"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in refused(tmp_path, f"environment: dev\n{text}\n")


def test_every_wrong_field_is_reported_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, "environment: dev\ngate:\n  min_accuracy: 2\n  max_accuracy_drop: 2\n")
    assert len(message.splitlines()) == 2


def test_a_missing_environment_is_named(tmp_path: Path) -> None:
    assert "environment: is missing" in refused(tmp_path, "gate: {}\n")


def test_a_file_must_be_named_after_its_environment(tmp_path: Path) -> None:
    assert "is 'prod'; allowed: 'dev', the name of the file" in refused(tmp_path, "environment: prod\n")


def test_a_name_that_cannot_be_part_of_others_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, "environment: Dev\n", name="Dev")
    assert "environment: 'Dev' must be 2 to 10 lower-case letters and digits, a letter first" in message


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path) -> None:
    assert "dev.yaml: cannot be read as YAML" in refused(tmp_path, "environment: [dev\n")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "must hold fields, as in `environment: dev`" in refused(tmp_path, "")


def test_a_job_name_with_an_execution_id_in_it_fits_into_sagemakers_63_characters() -> None:
    longest = Settings(environment="a234567890")
    assert len(longest.name("evaluate") + "-" + "0" * 36) <= 63
