"""The requests of the SageMaker jobs, as the deployed definitions make them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from arguments import parse
from hyperparameters import Arguments
from stacks.jobs import METRICS
from stacks.settings import Hyperparameters
from tests.stacks.conftest import MLFLOW
from tests.stacks.evaluated import RUN, evaluated, request
from tests.stacks.resolved import REGION, Environment, Json

JOBS = [
    *(("retrain", step) for step in ("Prepare", "Optimise", "Evaluate")),
    ("train", "Train"),
    ("transform", "Transform"),
]
every_job = pytest.mark.parametrize(("machine", "state"), JOBS)
every_environment = pytest.mark.parametrize("name", ["dev", "staging", "prod"])


def test_train_validation_and_test_rows_go_to_different_prefixes(
    environments: dict[str, Environment],
) -> None:
    """Written to one path, the test rows would be trained on."""
    outputs = request(environments["dev"], "retrain", "Prepare")["ProcessingOutputConfig"]["Outputs"]
    uris = [output["S3Output"]["S3Uri"] for output in outputs]
    assert len(set(uris)) == len(uris) == 4


@every_environment
def test_all_that_a_run_writes_lies_below_its_own_prefix(
    environments: dict[str, Environment], name: str
) -> None:
    """A constant prefix lets one execution overwrite, or resume from, what another made.

    Predictions lie where their file's name says.
    """
    train = request(environments[name], "train", "Train")
    written = [
        train["OutputDataConfig"]["S3OutputPath"],
        train["CheckpointConfig"]["S3Uri"],
        *(
            output["S3Output"]["S3Uri"]
            for step in ("Prepare", "Optimise", "Evaluate")
            for output in request(environments[name], "retrain", step)["ProcessingOutputConfig"]["Outputs"]
        ),
    ]
    assert [uri for uri in written if f"/{RUN}" not in uri] == []


def test_a_job_that_keeps_no_checkpoints_names_no_place_for_them(variants: dict[str, Environment]) -> None:
    assert "CheckpointConfig" not in request(variants["bare"], "train", "Train")


def test_a_spot_job_may_wait_for_capacity(environments: dict[str, Environment]) -> None:
    request_ = request(environments["staging"], "train", "Train")
    assert request_["EnableManagedSpotTraining"] is True
    stopping = request_["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"]


def test_a_job_on_demand_does_not_wait(environments: dict[str, Environment]) -> None:
    """SageMaker refuses a longest wait of a job that is not on spot."""
    request_ = request(environments["prod"], "train", "Train")
    assert "EnableManagedSpotTraining" not in request_
    assert "MaxWaitTimeInSeconds" not in request_["StoppingCondition"]


@every_environment
@every_job
def test_every_job_carries_the_environments_tags(
    environments: dict[str, Environment], name: str, machine: str, state: str
) -> None:
    """What a job costs is counted for nobody otherwise."""
    tags = request(environments[name], machine, state)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == environments[name].settings.tags


def keys(value: Any) -> list[str]:
    """Every KMS key in a request, in its order."""
    if isinstance(value, list):
        return [key for item in value for key in keys(item)]
    if not isinstance(value, dict):
        return []
    own = [item for name, item in value.items() if name.endswith("KmsKeyId")]
    return own + [key for item in value.values() for key in keys(item)]


@every_environment
@every_job
def test_every_job_encrypts_its_volume_and_what_it_writes(
    environments: dict[str, Environment], name: str, machine: str, state: str
) -> None:
    assert keys(request(environments[name], machine, state)) == [environments[name].key_arn] * 2


@pytest.mark.parametrize(("machine", "state"), [("train", "Train"), ("transform", "Transform")])
def test_an_instance_with_disks_of_its_own_gets_no_key_for_them(
    variants: dict[str, Environment], machine: str, state: str
) -> None:
    """SageMaker refuses the job."""
    request_ = request(variants["gpu"], machine, state)
    assert "VolumeKmsKeyId" not in str(request_)
    assert keys(request_) == [variants["gpu"].key_arn]


def network(environment: Environment) -> Json:
    """The `VpcConfig` that names all of the environment's own subnets and its containers' group."""
    exported = {
        name: environment.resolve(*value)
        for name, value in environment.exports.items()
        if re.search(r"Subnet\dId|SecurityGroupId", name)
    }
    return {
        "SecurityGroupIds": [value for name, value in exported.items() if "SecurityGroupId" in name],
        "Subnets": [value for name, value in exported.items() if "Subnet" in name],
    }


def test_prods_training_runs_in_the_network_and_cannot_leave_its_container(
    environments: dict[str, Environment],
) -> None:
    request_ = request(environments["prod"], "train", "Train")
    assert request_["VpcConfig"] == network(environments["prod"])
    assert request_["EnableNetworkIsolation"] is True
    assert request_["EnableInterContainerTrafficEncryption"] is True


@pytest.mark.parametrize("state", ["Prepare", "Optimise", "Evaluate"])
def test_prods_processing_runs_in_the_network_and_cannot_leave_its_container(
    environments: dict[str, Environment], state: str
) -> None:
    assert request(environments["prod"], "retrain", state)["NetworkConfig"] == {
        "EnableInterContainerTrafficEncryption": True,
        "EnableNetworkIsolation": True,
        "VpcConfig": network(environments["prod"]),
    }


def inputs(request_: Json) -> dict[str, str]:
    """Name → address of a processing job's inputs, or of a training job's channels."""
    return {
        one.get("InputName") or one["ChannelName"]: (
            one["S3Input"] if "S3Input" in one else one["DataSource"]["S3DataSource"]
        )["S3Uri"]
        for one in request_.get("ProcessingInputs") or request_["InputDataConfig"]
    }


after_training = pytest.mark.parametrize("state", ["Optimise", "Evaluate"])


@after_training
def test_an_isolated_job_finds_its_packages_in_the_bucket(
    environments: dict[str, Environment], state: str
) -> None:
    """It reaches no index, and would fail after the training was paid for."""
    job = request(environments["prod"], "retrain", state)
    assert inputs(job)["packages"].endswith("/packages/")
    (path,) = (
        one["S3Input"]["LocalPath"] for one in job["ProcessingInputs"] if one["InputName"] == "packages"
    )
    assert job["Environment"] == {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": path}


@after_training
def test_a_job_with_a_way_to_the_index_has_no_packages(
    environments: dict[str, Environment], state: str
) -> None:
    """An input that names an empty prefix fails the job."""
    job = request(environments["dev"], "retrain", state)
    assert "packages" not in inputs(job)
    assert "Environment" not in job


def test_a_tracked_training_knows_its_tracking_server_experiment_and_run(
    variants: dict[str, Environment],
) -> None:
    assert request(variants["tracked"], "train", "Train")["Environment"] == {
        "MLFLOW_TRACKING_URI": MLFLOW,
        "MLFLOW_EXPERIMENT_NAME": "nunchi-tracked",
        "MLFLOW_RUN_NAME": RUN,
    }


def test_a_tracked_training_can_leave_its_container(variants: dict[str, Environment]) -> None:
    """Isolated, as with a checkpoint from the bucket it would be, it reaches neither MLflow nor an index."""
    assert request(variants["tracked"], "train", "Train")["EnableNetworkIsolation"] is False


def test_a_training_that_is_not_tracked_knows_of_no_tracking_server(
    environments: dict[str, Environment],
) -> None:
    assert "Environment" not in request(environments["dev"], "train", "Train")


def test_the_variant_is_judged_by_validation_rows_and_never_by_test_rows(
    environments: dict[str, Environment],
) -> None:
    """What the test rows choose they can no longer judge."""
    assert set(inputs(request(environments["dev"], "retrain", "Optimise"))) == {"code", "model", "validation"}


def test_training_takes_the_checkpoint_of_the_execution(environments: dict[str, Environment]) -> None:
    train = request(environments["dev"], "train", "Train", baseCheckpoint="bundled")
    assert inputs(train)["model"].endswith("/base-models/bundled/")


def test_training_without_a_checkpoint_in_the_bucket_has_no_channel_for_it(
    environments: dict[str, Environment],
) -> None:
    assert "model" not in inputs(request(environments["dev"], "train", "Train", baseCheckpoint=""))


def test_the_champion_is_evaluated_beside_the_candidate(environments: dict[str, Environment]) -> None:
    evaluation = request(environments["dev"], "retrain", "Evaluate", championData="s3://a/models/c.tar.gz")
    assert inputs(evaluation)["champion"] == "s3://a/models/c.tar.gz"


def test_the_toolkit_finds_the_code_where_its_channel_puts_it(environments: dict[str, Environment]) -> None:
    """Under another name every training job fails after its instance has started."""
    begin = environments["dev"].machines["retrain"]["States"]["Begin"]["Assign"]
    hyperparameters = evaluated(begin["hyperparameters"], states={"input": {}})
    file = inputs(request(environments["dev"], "train", "Train"))["code"].rpartition("/")[2]
    assert hyperparameters["sagemaker_submit_directory"] == f"/opt/ml/input/data/code/{file}"


@every_environment
def test_the_images_are_of_the_region_that_the_jobs_run_in(
    environments: dict[str, Environment], name: str
) -> None:
    """An image of another region costs its transfer each time, and a network without a way out has none."""
    train = request(environments[name], "train", "Train")["AlgorithmSpecification"]["TrainingImage"]
    prepare = request(environments[name], "retrain", "Prepare")["AppSpecification"]["ImageUri"]
    assert train.startswith(f"763104351884.dkr.ecr.{REGION}.amazonaws.com/huggingface-pytorch-training:")
    assert prepare.startswith(f"763104351884.dkr.ecr.{REGION}.amazonaws.com/huggingface-pytorch-inference:")


def test_every_hyperparameter_that_can_be_set_is_an_argument_of_train() -> None:
    """A name that only one side knows would fail the job after its instance was paid for."""
    assert set(Hyperparameters.model_fields) <= set(Arguments.__dataclass_fields__)


def test_train_reads_the_hyperparameters_as_they_were_set(environments: dict[str, Environment]) -> None:
    training = environments["dev"].settings.training
    begin = environments["dev"].machines["retrain"]["States"]["Begin"]["Assign"]
    given = evaluated(begin["hyperparameters"], states={"input": {}})
    parsed = parse(
        Arguments,
        [f"--{name}={value}" for name, value in given.items() if not name.startswith("sagemaker_")],
    )
    assert parsed == Arguments(
        model_name_or_path=training.base_checkpoint.name,
        model_revision=training.base_checkpoint.revision,
        **training.hyperparameters.model_dump(exclude_none=True),
    )


def test_what_is_not_set_train_chooses_by_itself(environments: dict[str, Environment]) -> None:
    """A GPU from Ampere on then trains in bfloat16, and a V100 in float16."""
    assert environments["dev"].settings.training.hyperparameters.bf16 is None
    begin = environments["dev"].machines["retrain"]["States"]["Begin"]["Assign"]
    assert "bf16" not in evaluated(begin["hyperparameters"], states={"input": {}})


@pytest.mark.parametrize(
    ("line", "metric", "value"),
    [
        ("[train] step=20 epoch=0.50 loss=0.6931 learning_rate=4.5e-05", "train:loss", "0.6931"),
        ("[validation] epoch=1.00 loss=5.1e-01 accuracy=0.8123", "validation:loss", "5.1e-01"),
        ("[validation] epoch=1.00 loss=0.5123 accuracy=0.8123", "validation:accuracy", "0.8123"),
    ],
)
def test_metric_definitions_match_what_train_prints(line: str, metric: str, value: str) -> None:
    found = {name: match.group(1) for name, regex in METRICS.items() if (match := re.search(regex, line))}
    assert found[metric] == value
