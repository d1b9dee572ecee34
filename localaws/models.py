"""Models and endpoint configurations: what an endpoint is made from."""

from localaws import storage
from localaws.api import Json, invalid, operation
from localaws.registry import model_packages
from localaws.resources import Collection

IMAGE = "huggingface-pytorch-inference"

models = Collection("Model")
endpoint_configs = Collection("EndpointConfig")
operation("DeleteModel", "ModelName")(models.delete)
operation("DeleteEndpointConfig", "EndpointConfigName")(endpoint_configs.delete)


@operation(
    "CreateModel",
    """ModelName ExecutionRoleArn EnableNetworkIsolation VpcConfig SecurityGroupIds Subnets
    PrimaryContainer! Image ModelDataUrl Environment ModelPackageName Mode=SingleModel""",
)
def _create_model(request: Json) -> Json:
    return models.add(request, source=_source(request["PrimaryContainer"]))


def _source(container: Json) -> Json:
    """ModelDataUrl and Environment of a container, taken from its model package when it names one."""
    environment = container.get("Environment", {})
    if "ModelPackageName" in container:
        package = model_packages.get(container["ModelPackageName"])
        if package["ModelApprovalStatus"] != "Approved":
            arn, status = package["ModelPackageArn"], package["ModelApprovalStatus"]
            raise invalid(f"Model package {arn} must be Approved to be made a model of, and is {status}")
        [container] = package["InferenceSpecification"]["Containers"]
        environment = container.get("Environment", {}) | environment
    if IMAGE not in container.get("Image", ""):
        raise invalid(f"localaws serves the images …/{IMAGE}:… only, not {container.get('Image')!r}")
    if "ModelDataUrl" not in container:
        raise invalid("localaws serves model archives only: ModelDataUrl (s3://…/model.tar.gz) is required")
    try:
        storage.require(container["ModelDataUrl"])
    except storage.TransferError as error:
        raise invalid(f"Could not access model data: {error}") from error
    return {"ModelDataUrl": container["ModelDataUrl"], "Environment": environment}


@operation(
    "CreateEndpointConfig",
    """EndpointConfigName KmsKeyId ProductionVariants VariantName ModelName! InstanceType!
    InitialInstanceCount! InitialVariantWeight ContainerStartupHealthCheckTimeoutInSeconds""",
)
def _create_endpoint_config(request: Json) -> Json:
    if len(request["ProductionVariants"]) != 1:
        raise invalid("localaws serves endpoints of one production variant")
    models.get(request["ProductionVariants"][0]["ModelName"])
    return endpoint_configs.add(request)
