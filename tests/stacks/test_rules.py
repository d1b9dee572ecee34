"""Each rule across fields: what it says of a wrong pair, and that the pair beside it passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from stacks import rules
from stacks.settings import Settings
from stacks.settings_file import SettingsError, load


def broken(**sections: Any) -> list[str]:
    """The lines that settings with `sections` are refused with."""
    try:
        Settings.model_validate({"environment": "dev", "owner": "nlp", "cost_centre": "nlp", **sections})
    except ValidationError as error:
        (problem,) = error.errors()
        return str(problem["msg"]).removeprefix("Value error, ").splitlines()
    return []


CPU_FAMILIES = "c5, c6i, c7i, m5, m6i, m7i, r6i, r7i"
GPU_FAMILIES = "p3, p3dn, g4dn, g5, g6, g6e, p4d, p4de, p5, p5e, p5en"
SINCE_SM75 = "g4dn, g5, g6, g6e, p4d, p4de, p5, p5e, p5en"
MLFLOW = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/nlp"


def test_the_defaults_break_no_rule() -> None:
    assert broken() == []


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        # Half precision
        (
            {"training": {"hyperparameters": {"bf16": True}}},
            "training.hyperparameters.bf16: true: the V100 of ml.p3.2xlarge (training.instance_type) has no "
            "bfloat16, which came with Ampere; leave it out (float16 is the default) or take ml.g5, ml.p4d "
            "or a later family",
        ),
        (
            {"training": {"instance_type": "ml.g4dn.xlarge", "hyperparameters": {"bf16": True}}},
            "training.hyperparameters.bf16: true: the T4 of ml.g4dn.xlarge (training.instance_type) has no "
            "bfloat16, which came with Ampere; leave it out (float16 is the default) or take ml.g5, ml.p4d "
            "or a later family",
        ),
        # Images and instances
        (
            {"images": {"training": "5.3.0", "inference": "5.5.3"}},
            "images.training: '5.3.0': its CUDA 13.0 does not run on ml.p3.2xlarge (training.instance_type); "
            f"take 4.49.0 (CUDA 12.4), or an instance of the families {SINCE_SM75}",
        ),
        (
            {"training": {"instance_type": "ml.m5.xlarge"}},
            "training.instance_type: 'ml.m5.xlarge': the gpu training image of transformers 4.49.0 "
            f"(CUDA 12.4) does not run there; allowed: ml.<family>.<size> of the families {GPU_FAMILIES}",
        ),
        (
            {"processing": {"instance_type": "ml.g5.xlarge"}},
            "processing.instance_type: 'ml.g5.xlarge': the cpu inference image of transformers 4.49.0 does "
            f"not run there; allowed: ml.<family>.<size> of the families {CPU_FAMILIES}",
        ),
        (
            {"processing": {"instance_type": "ml.c5.large"}},
            "processing.instance_type: 'ml.c5.large': SageMaker has it for endpoints only; allowed for "
            "processing jobs: ml.c5.xlarge, ml.c5.2xlarge, ml.c5.4xlarge, ml.c5.9xlarge, ml.c5.18xlarge",
        ),
        (
            {"serving": {"realtime": {"instance_type": "ml.g5.xlarge"}}},
            "serving.realtime.instance_type: 'ml.g5.xlarge': the cpu inference image of transformers 4.49.0 "
            f"does not run there; allowed: ml.<family>.<size> of the families {CPU_FAMILIES}, or "
            "serving.processor gpu",
        ),
        (
            {"serving": {"processor": "gpu", "batch": None}},
            "serving.realtime.instance_type: 'ml.m5.large': the gpu inference image of transformers 4.49.0 "
            f"(CUDA 12.4) does not run there; allowed: ml.<family>.<size> of the families {GPU_FAMILIES}, or "
            "serving.processor cpu",
        ),
        (
            {
                "serving": {
                    "processor": "gpu",
                    "realtime": None,
                    "batch": {"instance_type": "ml.p4d.24xlarge"},
                }
            },
            "serving.batch.instance_type: 'ml.p4d.24xlarge': SageMaker has it for training jobs and "
            "endpoints only; allowed for batch transform: ml.<family>.<size> of the families "
            "c5, c6i, c7i, m5, m6i, m7i, r6i, r7i, p3, g4dn, g5, g6, g6e",
        ),
        (
            {"images": {"training": "4.49.0", "inference": "5.5.3"}},
            "images.inference: '5.5.3': serves what transformers 4.49.0 saves (images.training), so it must "
            "have its major version and not be older; allowed: 4.49.0, 4.51.3",
        ),
        (
            {"images": {"training": "5.3.0"}, "training": {"instance_type": "ml.g5.xlarge"}},
            "images.inference: '4.49.0': serves what transformers 5.3.0 saves (images.training), so it must "
            "have its major version and not be older; allowed: 5.5.3",
        ),
        (
            {"training": {"fallback_instance_types": ["ml.g5.xlarge", "ml.m5.xlarge"]}},
            "training.fallback_instance_types[1]: 'ml.m5.xlarge': the gpu training image of transformers "
            "4.49.0 (CUDA 12.4) does not run there; allowed: ml.<family>.<size> of the families "
            f"{GPU_FAMILIES}",
        ),
        (
            {
                "training": {
                    "instance_type": "ml.g5.xlarge",
                    "fallback_instance_types": ["ml.p3.2xlarge"],
                    "hyperparameters": {"bf16": True},
                }
            },
            "training.fallback_instance_types: ['ml.p3.2xlarge']: ml.p3 has no bfloat16, which "
            "training.hyperparameters.bf16 needs; take other types, or leave bf16 out",
        ),
        (
            {"training": {"spot": True, "max_wait_seconds": 28800, "keep_alive_seconds": 600}},
            "training.keep_alive_seconds: 600: a warm pool takes no spot instances; leave it out, or "
            "training.spot",
        ),
        (
            {"serving": {"golden_sentences": [{"text": "최고예요", "label": "긍정"}]}},
            "serving.golden_sentences[0].label: '긍정': no model of this environment answers so, and each "
            "promotion would be taken back; its labels (data.labels): negative, positive",
        ),
        (
            {"serving": {"golden_sentences": [{"text": "가", "text_pair": "나", "label": "positive"}]}},
            "serving.golden_sentences[0].text_pair: '나': the models of this environment answer single "
            "texts; leave it out, or set data.text_pair_column",
        ),
        (
            {
                "data": {"text_pair_column": "가설"},
                "serving": {"golden_sentences": [{"text": "가", "label": "positive"}]},
            },
            "serving.golden_sentences[0].text_pair: null: the models of this environment answer pairs "
            "(data.text_pair_column); give the second text",
        ),
        # Tracking
        (
            {"region": "ap-northeast-2", "training": {"mlflow_tracking_server_arn": MLFLOW}},
            f"training.mlflow_tracking_server_arn: '{MLFLOW}': is in us-east-1; take a tracking server in "
            "ap-northeast-2 (region)",
        ),
        (
            {"account": "111122223333", "training": {"mlflow_tracking_server_arn": MLFLOW}},
            f"training.mlflow_tracking_server_arn: '{MLFLOW}': is in 123456789012; take a tracking server in "
            "111122223333 (account)",
        ),
        (
            {
                "network": {},
                "training": {
                    "mlflow_tracking_server_arn": MLFLOW,
                    "base_checkpoint": {"s3_prefix": "koelectra"},
                },
            },
            f"training.mlflow_tracking_server_arn: '{MLFLOW}': training does not reach MLflow from a network "
            "without a way to the internet; leave it out (each run is a trial of SageMaker Experiments all "
            "the same), or network",
        ),
        # Spot
        (
            {"training": {"spot": True, "max_wait_seconds": 28800, "checkpoints": False}},
            "training.checkpoints: false: a spot job that is interrupted would begin anew; leave it out "
            "(true is the default), or training.spot",
        ),
        (
            {"training": {"spot": True}},
            "training.max_wait_seconds: null: spot needs it; "
            "set it to 14400 (training.max_runtime_seconds) or more",
        ),
        (
            {"training": {"spot": True, "max_wait_seconds": 14399}},
            "training.max_wait_seconds: 14399: is less than the job alone may take; "
            "set it to 14400 (training.max_runtime_seconds) or more",
        ),
        (
            {"training": {"max_wait_seconds": 28800}},
            "training.max_wait_seconds: 28800: is for spot only; set training.spot to true, or leave it out",
        ),
        # Serving
        (
            {
                "serving": {
                    "realtime": None,
                    "batch": None,
                    "hub": {"model_id": "someone/koelectra", "revision": "0" * 40},
                }
            },
            "serving.hub: 'someone/koelectra': nothing serves it; leave it out, or set serving.realtime, "
            "serving.serverless or serving.batch",
        ),
        (
            {"serving": {"data_capture_percent": 10, "realtime": None}},
            "serving.data_capture_percent: 10: only the real-time endpoint keeps requests; leave it out, or "
            "set serving.realtime",
        ),
        (
            {"serving": {"realtime": {"min_instances": 2}}},
            "serving.realtime.min_instances: 2: is more than max_instances; set it to 1 or less, or "
            "max_instances to 2 or more",
        ),
        (
            {"serving": {"realtime": {"canary_percent": 50, "max_instances": 4}}},
            "serving.realtime.canary_percent: 50: a canary is at most half of the instances, and there may "
            "be only one; set serving.realtime.min_instances to 2 or more, or leave it out",
        ),
        # Serverless
        (
            {"serving": {"serverless": {"memory_mb": 3000}}},
            "serving.serverless.memory_mb: 3000: SageMaker has no such size; allowed: 1024, 2048, 3072, "
            "4096, 5120, 6144",
        ),
        (
            {"serving": {"serverless": {"memory_mb": 7168}}},
            "serving.serverless.memory_mb: 7168: SageMaker has no such size; allowed: 1024, 2048, 3072, "
            "4096, 5120, 6144",
        ),
        (
            {"serving": {"serverless": {"provisioned_concurrency": 6}}},
            "serving.serverless.provisioned_concurrency: 6: is more than max_concurrency; set it to 5 or "
            "less, or max_concurrency to 6 or more",
        ),
        (
            {"serving": {"serverless": {"provisioned_concurrency": 5, "max_provisioned_concurrency": 6}}},
            "serving.serverless.max_provisioned_concurrency: 6: is more than max_concurrency; set it to 5 or "
            "less, or max_concurrency to 6 or more",
        ),
        (
            {"serving": {"serverless": {"max_provisioned_concurrency": 3}}},
            "serving.serverless.max_provisioned_concurrency: 3: is what provisioned_concurrency scales up "
            "to; set provisioned_concurrency too, or leave it out",
        ),
        (
            {"serving": {"serverless": {"provisioned_concurrency": 4, "max_provisioned_concurrency": 3}}},
            "serving.serverless.max_provisioned_concurrency: 3: is what provisioned_concurrency scales up "
            "to; set it to 4 or more, or provisioned_concurrency to 3 or less",
        ),
        (
            {"serving": {"processor": "gpu", "realtime": None, "batch": None, "serverless": {}}},
            "serving.processor: 'gpu': a serverless endpoint has no GPU; leave it out (cpu is the default), "
            "or set serving.serverless to null",
        ),
        (
            {"serving": {"data_capture_percent": 10, "serverless": {}}},
            "serving.data_capture_percent: 10: a serverless endpoint keeps no requests; leave it out, or set "
            "serving.serverless to null",
        ),
        (
            {
                "network": {"availability_zones": 3},
                "training": {"base_checkpoint": {"s3_prefix": "koelectra"}},
                "serving": {"serverless": {}},
            },
            "network: {'availability_zones': 3}: a serverless endpoint cannot be in a VPC; leave it out, or "
            "set serving.serverless to null",
        ),
        # Network
        (
            {"network": {}},
            "training.base_checkpoint.s3_prefix: null: training does not reach the Hub from a network "
            "without a way to the internet; upload the checkpoint to a folder below base-models/ of the "
            "artifact bucket and set it to the folder's name, or leave network out",
        ),
        (
            {
                "network": {},
                "training": {"base_checkpoint": {"s3_prefix": "koelectra"}},
                "serving": {"hub": {"model_id": "someone/koelectra", "revision": "0" * 40}},
            },
            "serving.hub: 'someone/koelectra': an endpoint does not reach the Hub from a network without a "
            "way to the internet; leave it out, or network",
        ),
        # Who is told
        (
            {"notification_emails": ["a@example.com", "b@example.com", "a@example.com"]},
            "notification_emails: 'a@example.com': is given twice; give it once",
        ),
        (
            {"notification_emails": [f"{number}@example.com" for number in range(11)]},
            "notification_emails: 11: a budget tells 10 addresses; give 10 or fewer, as in a mailing list's",
        ),
    ],
)
def test_a_broken_rule_says_field_value_rule_and_remedy(sections: dict[str, Any], message: str) -> None:
    assert broken(**sections) == [message]
    field, value, problem = message.split(": ", 2)
    assert field and value and "; " in problem


@pytest.mark.parametrize(
    "sections",
    [
        {"training": {"instance_type": "ml.g5.xlarge", "hyperparameters": {"bf16": True}}},
        {"training": {"instance_type": "ml.p4d.24xlarge", "hyperparameters": {"bf16": True}}},
        {"training": {"instance_type": "ml.g4dn.xlarge"}},
        {"training": {"instance_type": "ml.p3dn.24xlarge"}},
        {
            "images": {"training": "5.3.0", "inference": "5.5.3"},
            "training": {"instance_type": "ml.g4dn.xlarge"},
        },
        {"images": {"training": "4.49.0", "inference": "4.51.3"}},
        {"processing": {"instance_type": "ml.c5.xlarge"}},
        {"serving": {"realtime": {"instance_type": "ml.c5.large"}}},
        {
            "serving": {
                "processor": "gpu",
                "realtime": {"instance_type": "ml.p4d.24xlarge"},
                "batch": {"instance_type": "ml.g5.xlarge"},
            }
        },
        {"training": {"spot": True, "max_wait_seconds": 14400}},
        {"training": {"checkpoints": False}},
        {"training": {"mlflow_tracking_server_arn": MLFLOW}},
        {
            "region": "us-east-1",
            "account": "123456789012",
            "training": {"mlflow_tracking_server_arn": MLFLOW},
        },
        {"serving": {"realtime": None, "batch": None}},
        {"serving": {"batch": None, "hub": {"model_id": "someone/koelectra", "revision": "0" * 40}}},
        {"serving": {"data_capture_percent": 10}},
        {"serving": {"data_capture_percent": 0, "realtime": None}},
        {"serving": {"realtime": {"min_instances": 2, "max_instances": 2, "canary_percent": 50}}},
        *({"serving": {"serverless": {"memory_mb": 1024 * number}}} for number in range(1, 7)),
        {"serving": {"serverless": {"provisioned_concurrency": 5}}},
        {"serving": {"serverless": {"provisioned_concurrency": 1, "max_provisioned_concurrency": 5}}},
        {"serving": {"serverless": {"provisioned_concurrency": 2, "max_provisioned_concurrency": 2}}},
        {"network": {}, "training": {"base_checkpoint": {"s3_prefix": "koelectra"}}},
        {"notification_emails": [f"{number}@example.com" for number in range(10)]},
        {
            "data": {"labels": {}},
            "serving": {"golden_sentences": [{"text": "재미있다", "label": "as in the data"}]},
        },
        {
            "data": {"text_pair_column": "가설"},
            "serving": {"golden_sentences": [{"text": "가", "text_pair": "나", "label": "positive"}]},
        },
    ],
)
def test_what_is_right_passes(sections: dict[str, Any]) -> None:
    assert broken(**sections) == []


def test_every_broken_rule_is_reported_at_once_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "dev.yaml"
    path.write_text(
        "environment: dev\nowner: nlp\ncost_centre: nlp\n"
        "training: {spot: true, hyperparameters: {bf16: true}}\n"
        "serving: {realtime: {min_instances: 2}, serverless: {memory_mb: 1000}}\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [str(path), "training.hyperparameters.bf16"],
        [str(path), "training.max_wait_seconds"],
        [str(path), "serving.realtime.min_instances"],
        [str(path), "serving.serverless.memory_mb"],
    ]


@pytest.mark.parametrize(
    "value", ["10.20.0.0/16", "10.0.0.0/24", "172.16.0.0/16", "172.31.0.0/20", "192.168.0.0/16"]
)
def test_a_private_block_of_the_right_size_passes(value: str) -> None:
    assert rules.check_cidr(value) == value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("10.0.0.0/15", "is a /15"),
        ("10.0.0.0/25", "is a /25"),
        ("11.0.0.0/16", "is not private"),
        ("172.32.0.0/16", "is not private"),
        ("100.64.0.0/16", "is not private"),
        ("192.168.0.0/15", "is not private"),
        ("172.17.0.0/16", "is where SageMaker's containers have their own network, 172.17.0.0/16"),
        ("172.17.128.0/24", "is where SageMaker's containers have their own network, 172.17.0.0/16"),
        ("10.20.0.1/16", "is not a block of IPv4 addresses (10.20.0.1/16 has host bits set)"),
        ("10.20.0.0", "is a /32"),
    ],
)
def test_any_other_block_is_refused(value: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        rules.check_cidr(value)
    assert str(caught.value) == (
        f"{problem}; allowed: a /16 to /24 within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, "
        "as in 10.20.0.0/16"
    )


@pytest.mark.parametrize("value", ["", "ten", "fd00::/16", "10.0.0.0/33", "10.0.0/16"])
def test_what_is_no_block_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"is not a block of IPv4 addresses .*; allowed: a /16 to /24"):
        rules.check_cidr(value)


@pytest.mark.parametrize("value", ["nlp-team", "언어팀", "a b", "KR_42:x/y=z+1-2@example.com", "x" * 256])
def test_a_tag_may_have_letters_of_any_script_digits_spaces_and_some_signs(value: str) -> None:
    assert rules.check_tag(value) == value


@pytest.mark.parametrize("value", ["", "x" * 257, "nlp,team", "R&D", "team\n", "팀!"])
def test_any_other_tag_is_refused(value: str) -> None:
    with pytest.raises(ValueError) as caught:
        rules.check_tag(value)
    assert str(caught.value) == (
        "cannot be a tag; allowed: 1 to 256 letters, digits, spaces and _ . : / = + - @"
    )


@pytest.mark.parametrize(
    "value",
    [
        MLFLOW,
        "arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-tracking-server/N-1--b",
        f"arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-tracking-server/{'n' * 256}",
    ],
)
def test_the_arn_of_a_tracking_server_passes(value: str) -> None:
    assert rules.check_tracking_server(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nlp",
        "https://t-abc.ap-northeast-2.experiments.sagemaker.aws",
        # The plugin knows the endpoints of one partition that Nunchi is for.
        "arn:aws-cn:sagemaker:cn-north-1:123456789012:mlflow-tracking-server/nlp",
        "arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-app/nlp",
        "arn:aws:sagemaker:ap-northeast-2:12345678901:mlflow-tracking-server/nlp",
        "arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-tracking-server/",
        "arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-tracking-server/nlp/",
        "arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-tracking-server/nlp\n",
        f"arn:aws:sagemaker:ap-northeast-2:123456789012:mlflow-tracking-server/{'n' * 257}",
    ],
)
def test_what_is_no_arn_of_a_tracking_server_is_refused(value: str) -> None:
    with pytest.raises(ValueError) as caught:
        rules.check_tracking_server(value)
    assert str(caught.value) == (
        "is not the ARN of an MLflow tracking server; allowed: "
        "arn:aws:sagemaker:<region>:<account>:mlflow-tracking-server/<name>"
    )
