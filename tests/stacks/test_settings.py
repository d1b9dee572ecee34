from __future__ import annotations

from pathlib import Path

import pytest

from stacks.settings import Settings
from stacks.settings_file import SettingsError, load, load_all

WHO = "owner: nlp\ncost_centre: nlp\n"


def refused(tmp_path: Path, text: str, name: str = "dev") -> str:
    path = tmp_path / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(path)
    return str(caught.value)


def loaded(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "dev.yaml"
    path.write_text(f"environment: dev\n{WHO}{text}\n", encoding="utf-8")
    return load(path)


def test_a_file_needs_a_name_and_who_answers_for_it(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "")
    assert settings.tags == {
        "application": "nunchi-dev",
        "environment": "dev",
        "owner": "nlp",
        "cost-centre": "nlp",
    }
    assert settings.serving.realtime and settings.serving.batch and not settings.serving.serverless


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "training: {instance_typ: ml.p3.2xlarge}",
            "training.instance_typ: is not a setting; did you mean instance_type?",
        ),
        (
            "serving: {realtime: {min_instance: 2}}",
            "serving.realtime.min_instance: is not a setting; did you mean min_instances?",
        ),
        (
            "training: {schedule: {expression: rate(7 days), timezones: UTC}}",
            "training.schedule.timezones: is not a setting; did you mean timezone?",
        ),
        (
            "training: {base_checkpoint: {s3_prefx: x}}",
            "training.base_checkpoint.s3_prefx: is not a setting; did you mean s3_prefix?",
        ),
        ("network: {azs: 2}", "network.azs: is not a setting; allowed: cidr, availability_zones"),
        ("gate: {colour: red}", "gate.colour: is not a setting; allowed: min_accuracy, max_accuracy_drop"),
        ("trainning: {}", "trainning: is not a setting; did you mean training?"),
        ("7: {}", "7: is not a setting; allowed: environment, owner, cost_centre, "),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_or_with_those_allowed(
    tmp_path: Path, text: str, expected: str
) -> None:
    message = refused(tmp_path, f"environment: dev\n{WHO}{text}\n")
    assert message.startswith(f"{tmp_path / 'dev.yaml'}: {expected}")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gate: {min_accuracy: 85}", "gate.min_accuracy: 85 input should be less than or equal to 1"),
        ("gate: {min_accuracy: yes}", "gate.min_accuracy: true input should be a valid number"),
        (
            "training: {hyperparameters: {learning_rate: 1e-5}}",
            "training.hyperparameters.learning_rate: '1e-5' is text to YAML; write 1.0e-05",
        ),
        (
            "training: {hyperparameters: {learning_rate: small}}",
            "training.hyperparameters.learning_rate: 'small' input should be a valid number",
        ),
        ("gate:", "gate: null must hold fields, or be left out"),
        ("training: []", "training: [] must hold fields, or be left out"),
        (
            "serving: {realtime: false}",
            "serving.realtime: false must hold fields, or be null to have none",
        ),
        ("network: yes", "network: true must hold fields, or be null to have none"),
        ("region: us-gov-west-1", "region: 'us-gov-west-1' has no known Hugging Face images; allowed: ap-"),
        ("account: 123456789012", "account: 123456789012 input should be a valid string"),
        ('account: "1234"', "account: '1234' must be an AWS account's 12 digits, in quotes"),
        (
            "training: {instance_type: p3.2xlarge}",
            "training.instance_type: 'p3.2xlarge' is not a SageMaker instance type that the images run on; "
            "did you mean ml.p3.2xlarge?",
        ),
        (
            "training: {instance_type: ml.p6-b200.48xlarge}",
            "that the images run on; allowed: ml.<family>.<size> of the families c5,",
        ),
        ("serving: {realtime: {instance_type: ml.c7g.large}}", "did you mean ml.c7i.large?"),
        (
            "training: {instance_type: ml.m5.xlarge}",
            "training.instance_type: 'ml.m5.xlarge': the gpu training",
        ),
        (
            "images: {training: 4.99.0}",
            "images.training: '4.99.0' transformers 4.99.0 has no gpu training image; allowed: 4.49.0, 5.3.0",
        ),
        (
            "images: {inference: 4.48.0}",
            "transformers 4.48.0 has no cpu inference image; allowed: 4.49.0, 4.51.3, 5.5.3",
        ),
        ("processing: {instance_type: ml.g5.xlarge}", "processing.instance_type: 'ml.g5.xlarge': the cpu"),
        (
            "serving: {realtime: {min_instances: 0}}",
            "serving.realtime.min_instances: 0 input should be greater than or equal to 1",
        ),
        ("serving: {processor: tpu}", "serving.processor: 'tpu' is not allowed; allowed: 'cpu' or 'gpu'"),
        (
            "logs: {retention_days: 100}",
            "logs.retention_days: 100 is not allowed; allowed: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, ",
        ),
        (
            "serving: {hub: {model_id: x/y, revision: main}}",
            "serving.hub.revision: 'main' must be a commit of the Hub's repository: 40 lower-case",
        ),
        ("serving: {hub: {model_id: x/y}}", "serving.hub.revision: is missing; it has no default"),
        (
            "training: {base_checkpoint: {s3_prefix: a/b}}",
            "training.base_checkpoint.s3_prefix: 'a/b' must be the name of one folder below",
        ),
        (
            "training: {schedule: {expression: cron(0 3 * * SUN *)}}",
            "training.schedule.expression: 'cron(0 3 * * SUN *)' has day-of-month '*' and day-of-week 'SUN'; "
            "allowed: a ? in exactly one of them",
        ),
        (
            "training: {schedule: {expression: rate(7 days), timezone: Seoul}}",
            "training.schedule.timezone: 'Seoul' is not a time zone; did you mean Asia/Seoul?",
        ),
        (
            "serving: {batch: {schedule: {expression: rate(1 moment)}}}",
            "serving.batch.schedule.expression: 'rate(1 moment)' has the unit 'moment'; allowed: minute,",
        ),
        (
            "serving: {batch: {on_arrival: often}}",
            "serving.batch.on_arrival: 'often' input should be a valid",
        ),
        ("network: {cidr: 11.0.0.0/16}", "network.cidr: '11.0.0.0/16' is not private; allowed: a /16 to /24"),
        ("notification_emails: [someone]", "has 'someone', which is not an e-mail address"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(tmp_path: Path, text: str, expected: str) -> None:
    message = refused(tmp_path, f"environment: dev\n{WHO}{text}\n")
    assert expected in message
    assert len(message.splitlines()) == 1


def test_null_switches_a_way_of_serving_off_and_braces_switch_it_on(tmp_path: Path) -> None:
    serving = loaded(tmp_path, "serving: {realtime: null, serverless: {}, batch: null}").serving
    assert serving.realtime is None and serving.batch is None
    assert serving.serverless is not None and serving.serverless.memory_mb == 3072


def test_a_tag_is_refused_with_what_is_allowed(tmp_path: Path) -> None:
    message = refused(tmp_path, "environment: dev\nowner: R&D\ncost_centre: nlp\n")
    assert (
        "owner: 'R&D' cannot be a tag; allowed: 1 to 256 letters, digits, spaces and _ . : / = + - @"
        in message
    )


def test_every_wrong_field_is_reported_at_once(tmp_path: Path) -> None:
    message = refused(
        tmp_path,
        f"environment: dev\n{WHO}gate: {{min_accuracy: 2, max_accuracy_drop: 2}}\nserving: {{batch: 1}}\n",
    )
    assert [line.split(": ")[1] for line in message.splitlines()] == [
        "gate.min_accuracy",
        "gate.max_accuracy_drop",
        "serving.batch",
    ]


def test_what_has_no_default_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dev.yaml"
    assert refused(tmp_path, "gate: {}\n").splitlines() == [
        f"{path}: environment: is missing; it has no default",
        f"{path}: owner: is missing; it has no default",
        f"{path}: cost_centre: is missing; it has no default",
    ]


def test_a_file_must_be_named_after_its_environment(tmp_path: Path) -> None:
    assert "environment: 'prod' is not the name of the file; allowed: 'dev', or rename the file" in refused(
        tmp_path, f"environment: prod\n{WHO}"
    )


def test_a_name_that_cannot_be_part_of_others_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, f"environment: Dev\n{WHO}", name="Dev")
    assert "environment: 'Dev' must be 2 to 9 lower-case letters and digits, a letter first" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("environment: [dev\n", "cannot be read as YAML"),
        ("gate: {}\ngate: {}\n", "gate is given twice"),
        ("serving:\n  realtime: {}\n  realtime: null\n", "realtime is given twice"),
        ("? [gate]\n: {}\n", "a field's name must be a word"),
        ("", "must hold fields, as in `environment: dev`"),
        ("- environment\n", "must hold fields, as in `environment: dev`"),
    ],
)
def test_a_file_that_is_not_yaml_of_fields_is_named(tmp_path: Path, text: str, expected: str) -> None:
    message = refused(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'dev.yaml'}: ") and expected in message


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dev.yaml"
    path.write_bytes("environment: dev\nowner: 언어팀\ncost_centre: nlp\n".encode("euc-kr"))
    with pytest.raises(SettingsError, match=r"dev\.yaml: cannot be read as YAML"):
        load(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("staging", "dev", "prod"):
        (tmp_path / f"{name}.yaml").write_text(f"environment: {name}\n{WHO}", encoding="utf-8")
    (tmp_path / "README.md").touch()
    return tmp_path


def test_every_environment_of_the_folder_is_loaded_by_name(folder: Path) -> None:
    assert [settings.environment for settings in load_all(folder)] == ["dev", "prod", "staging"]


def test_one_can_be_named_and_no_other_file_is_read(folder: Path) -> None:
    (folder / "dev.yaml").write_text("environment: [", encoding="utf-8")
    assert [settings.environment for settings in load_all(folder, "prod")] == ["prod"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("prdo", "did you mean prod? "), ("live", ""), ("", ""), ("../dev", "did you mean dev? ")],
)
def test_one_that_is_not_there_is_refused_with_those_that_are(folder: Path, name: str, hint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_all(folder, name)
    assert str(caught.value) == (
        f"{folder}: -c env={name}: there is no {name}.yaml; {hint}allowed: dev, prod, staging"
    )


def test_what_is_wrong_in_several_files_is_said_at_once(folder: Path) -> None:
    for name in ("dev", "prod"):
        (folder / f"{name}.yaml").write_text(f"environment: {name}\n{WHO}gate:\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_all(folder)
    assert str(caught.value).splitlines() == [
        f"{folder / name}.yaml: gate: null must hold fields, or be left out" for name in ("dev", "prod")
    ]


def test_a_folder_without_environments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"has no environment; write one, as in .*/dev\.yaml"):
        load_all(tmp_path)
