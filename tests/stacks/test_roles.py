"""Each step's role allows what the step does, and nothing that it does not do.

What a step does is read from the requests of its jobs and from the endpoints, and what that needs from
https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stacks.evaluated import RUN, request
from tests.stacks.policies import Call, roles
from tests.stacks.resolved import ACCOUNT, REGION, Environment, Json
from tests.training_code.mlflow_server import OPERATIONS

ENVIRONMENTS = ("dev", "staging", "prod")
VARIANTS = ("hub", "gpu", "mixed", "tracked", "bare", "korean", "batch", "warm")
STEPS = ("prepare", "train", "optimise", "evaluate", "serve")
every_step = pytest.mark.parametrize(
    ("name", "step"),
    [
        (name, step)
        for name in (*ENVIRONMENTS, *VARIANTS)
        for step in STEPS
        # Where GPUs serve, nothing is optimised.
        if step != "optimise" or name not in ("gpu", "mixed")
    ],
)


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def reading(uri: str) -> Iterator[Call]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    yield Call("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    yield Call("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}{'file' if key.endswith('/') else ''}")
    # The CDK's asset bucket has no key of ours, and the others have.
    yield from ()


def writing(uri: str) -> Iterator[Call]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    yield Call("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    for verb in ("AbortMultipartUpload", "PutObject"):
        yield Call(f"s3:{verb}", f"arn:aws:s3:::{bucket}/{key.rstrip('/')}/file")


def container(image: str, namespace: str) -> Iterator[Call]:
    registry, _, rest = image.partition(".dkr.ecr.")
    repository = rest.partition("/")[2].partition(":")[0]
    yield Call("ecr:GetAuthorizationToken", "*")
    for verb in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
        yield Call(f"ecr:{verb}", f"arn:aws:ecr:{REGION}:{registry}:repository/{repository}")
    yield Call("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": f"/aws/sagemaker/{namespace}"})


def logging(group: str, stream: str) -> Iterator[Call]:
    on = arn("logs", f"log-group:/aws/sagemaker/{group}")
    for verb in ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams"):
        yield Call(f"logs:{verb}", f"{on}:*")
    yield Call("logs:PutLogEvents", f"{on}:log-stream:{stream}")


def encrypting(environment: Environment, *, volume: bool) -> Iterator[Call]:
    for verb in ("Decrypt", "DescribeKey", "GenerateDataKey"):
        yield Call(f"kms:{verb}", environment.key_arn)
    if volume:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html
        yield Call("kms:CreateGrant", environment.key_arn, {"kms:GrantIsForAWSResource": "true"})


def joining(environment: Environment, vpc_config: Json) -> Iterator[Call]:
    vpc = {"ec2:Vpc": environment.arn("network", "Vpc")}
    interface = arn("ec2", "network-interface/eni-0a1b2c3d")
    yield Call("ec2:CreateNetworkInterface", interface)
    for group in vpc_config["SecurityGroupIds"]:
        yield Call("ec2:CreateNetworkInterface", arn("ec2", f"security-group/{group}"))
    for subnet in vpc_config["Subnets"]:
        yield Call("ec2:CreateNetworkInterface", arn("ec2", f"subnet/{subnet}"))
    for verb in ("CreateNetworkInterfacePermission", "DeleteNetworkInterface"):
        yield Call(f"ec2:{verb}", interface, vpc)
    yield Call("ec2:DeleteNetworkInterfacePermission", interface, vpc)
    for what in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"):
        yield Call(f"ec2:Describe{what}", "*")


def processing(environment: Environment, state: str) -> Iterator[Call]:
    asks = request(
        environment,
        "retrain",
        state,
        championData="s3://{}/models/c/model.tar.gz".format(
            environment.physical_name("storage", "Artifacts")
        ),
        championManifest="s3://{}/manifests/c/manifest.json".format(
            environment.physical_name("storage", "Artifacts")
        ),
        modelData=model_uri(environment),
    )
    for one in asks["ProcessingInputs"]:
        yield from reading(one["S3Input"]["S3Uri"])
    for one in asks["ProcessingOutputConfig"]["Outputs"]:
        yield from writing(one["S3Output"]["S3Uri"])
    if state == "Prepare":
        # An execution may name any prefix of the data bucket.
        yield from reading(f"s3://{environment.physical_name('storage', 'Data')}/other/")
    yield from container(asks["AppSpecification"]["ImageUri"], "ProcessingJobs")
    yield from logging("ProcessingJobs", f"{asks['ProcessingJobName']}/algo-1")
    cluster = asks["ProcessingResources"]["ClusterConfig"]
    yield from encrypting(environment, volume="VolumeKmsKeyId" in cluster)
    if "VpcConfig" in asks.get("NetworkConfig", {}):
        yield from joining(environment, asks["NetworkConfig"]["VpcConfig"])


def training(environment: Environment) -> Iterator[Call]:
    asks = request(environment, "train", "Train")
    for channel in asks["InputDataConfig"]:
        yield from reading(channel["DataSource"]["S3DataSource"]["S3Uri"])
    yield from writing(asks["OutputDataConfig"]["S3OutputPath"])
    if "CheckpointConfig" in asks:
        yield from writing(asks["CheckpointConfig"]["S3Uri"])
        yield from reading(asks["CheckpointConfig"]["S3Uri"] + "/")
    yield from container(asks["AlgorithmSpecification"]["TrainingImage"], "TrainingJobs")
    yield from logging("TrainingJobs", f"{asks['TrainingJobName']}/algo-1")
    yield from encrypting(environment, volume="VolumeKmsKeyId" in asks["ResourceConfig"])
    if "VpcConfig" in asks:
        yield from joining(environment, asks["VpcConfig"])
    if server := asks.get("Environment", {}).get("MLFLOW_TRACKING_URI"):
        for operation in OPERATIONS:
            yield Call(f"sagemaker-mlflow:{operation}", server)


def model_uri(environment: Environment) -> str:
    return f"s3://{environment.physical_name('storage', 'Artifacts')}/models/{RUN}/t/output/model.tar.gz"


def serving(environment: Environment) -> Iterator[Call]:
    register = request(environment, "retrain", "Register", evaluation={"accuracy": 0.9}, servedBy="PyTorch")
    (registered,) = register["InferenceSpecification"]["Containers"]
    yield from container(registered["Image"], "Endpoints")
    yield from reading(model_uri(environment))
    for _, _, endpoint in environment.of_type("AWS::SageMaker::Endpoint"):
        yield from logging(f"Endpoints/{endpoint['EndpointName']}", "champion/i-0a1b2c3d")
    volume = False
    for _, _, config in environment.of_type("AWS::SageMaker::EndpointConfig"):
        (variant,) = config["ProductionVariants"]
        volume |= "KmsKeyId" in config and "InstanceType" in variant
        if "DataCaptureConfig" in config:
            yield from writing(config["DataCaptureConfig"]["DestinationS3Uri"])
    if "transform" in environment.machines:
        asks = request(environment, "transform", "Transform")
        yield from reading(asks["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
        manifest = request(environment, "transform", "WriteManifest", files=[{"Key": "incoming/a"}])
        yield from reading(manifest["Body"][0]["prefix"])
        yield from writing(asks["TransformOutput"]["S3OutputPath"])
        yield from logging("TransformJobs", f"{asks['TransformJobName']}/i-0a1b2c3d")
        volume |= "VolumeKmsKeyId" in asks["TransformResources"]
    yield from encrypting(environment, volume=volume)
    model = environment.properties("serving", "AWS::SageMaker::Model")
    if "VpcConfig" in model:
        yield from joining(environment, model["VpcConfig"])


def needed(environment: Environment, step: str) -> list[Call]:
    match step:
        case "train":
            return list(training(environment))
        case "serve":
            return list(serving(environment))
    return list(processing(environment, step.capitalize()))


@every_step
def test_a_steps_role_allows_all_that_the_step_does(
    environments: dict[str, Environment], variants: dict[str, Environment], name: str, step: str
) -> None:
    """What is missing fails the job after its instance has started."""
    environment = {**environments, **variants}[name]
    role = roles(environment)[step]
    assert [call for call in needed(environment, step) if not role.allows(call)] == []


@every_step
def test_a_steps_role_allows_nothing_that_the_step_does_not_do(
    environments: dict[str, Environment], variants: dict[str, Environment], name: str, step: str
) -> None:
    """A job runs what people upload: it must not reach what is none of its business."""
    environment = {**environments, **variants}[name]
    made = needed(environment, step)
    idle = [
        (action, resource)
        for statement in roles(environment)[step].statements
        for action in statement.actions
        for resource in statement.resources
        if not any(statement.covers(action, resource, call) for call in made)
    ]
    assert idle == []


def test_where_gpus_serve_there_is_no_role_for_what_is_not_done(variants: dict[str, Environment]) -> None:
    assert "optimise" not in roles(variants["gpu"])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_job_reads_or_writes_beyond_the_prefixes_of_its_step(
    environments: dict[str, Environment], name: str
) -> None:
    """Prepare alone reads the whole data bucket: an execution names the reviews."""
    whole = [
        (role.name, resource)
        for role in roles(environments[name]).values()
        for statement in role.statements
        for resource in statement.resources
        if resource.startswith("arn:aws:s3:::") and resource.partition("/")[2] == "*"
    ]
    data = environments[name].physical_name("storage", "Data")
    assert whole == [("prepare", f"arn:aws:s3:::{data}/*")]
