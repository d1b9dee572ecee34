"""Models and endpoint configurations: what an endpoint is made from."""

from localaws import storage
from localaws.api import Answer, Request, invalid, operation, takes
from localaws.registry import model_packages
from localaws.resources import Collection, Record

IMAGE = "huggingface-pytorch-inference"

models = Collection(
    "model",
    "Model",
    missing='Could not find model "{arn}".',
    exists='Cannot create already existing model "{arn}".',
)
endpoint_configs = Collection(
    "endpoint-config",
    "EndpointConfig",
    missing='Could not find endpoint configuration "{arn}".',
    exists='Cannot create already existing endpoint configuration "{arn}".',
)
CONTAINER = takes(
    "Image ModelDataUrl Environment ContainerHostname ModelPackageName InferenceSpecificationName",
    Mode="SingleModel",
)


# A role and network isolation have no meaning here: nobody checks a role, and there is no network to isolate.
@operation(
    "CreateModel",
    takes(
        "ModelName Tags ExecutionRoleArn EnableNetworkIsolation",
        PrimaryContainer=CONTAINER,
        Containers=CONTAINER,
    ),
)
def create_model(request: Request) -> Answer:
    """sagemaker:CreateModel."""
    containers = [*request.get("Containers", []), *filter(None, [request.get("PrimaryContainer")])]
    if len(containers) != 1:
        raise invalid(
            "localaws serves models of one container: give PrimaryContainer, or Containers with one"
        )
    return {"ModelArn": models.add(request, source=_source(containers[0]))["ModelArn"]}


def _source(container: Record) -> Record:
    """ModelDataUrl and Environment of a container, taken from its model package when it names one.

    Raises:
        ApiError: it names one that is not Approved, or it has no archive that we could serve.
    """
    environment = container.get("Environment", {})
    if "ModelPackageName" in container:
        package = model_packages.get(container["ModelPackageName"])
        if package["ModelApprovalStatus"] != "Approved":
            raise invalid(
                f"Model package {package['ModelPackageArn']} must be Approved to make a model of it, and is "
                f"{package['ModelApprovalStatus']}"
            )
        container = _packaged(package, container.get("InferenceSpecificationName"))
        environment = container.get("Environment", {}) | environment
    if IMAGE not in container.get("Image", ""):
        raise invalid(
            f"localaws serves Hugging Face's inference images only (…/{IMAGE}:…), with the packages of this "
            f"Python; the image is {container.get('Image')!r}"
        )
    url = container.get("ModelDataUrl")
    if not url:
        raise invalid("localaws serves model archives only: ModelDataUrl (s3://…/model.tar.gz) is required")
    if not storage.exists(url):
        raise invalid(f"Could not access model data at {url}: there is no such object")
    return {"ModelDataUrl": url, "Environment": environment}


def _packaged(package: Record, name: str | None) -> Record:
    """The container of the package's inference specification of that name; of the first one when None."""
    candidates = [package["InferenceSpecification"] | {"Name": None}]
    candidates += package.get("AdditionalInferenceSpecifications", [])
    for specification in candidates:
        if specification["Name"] == name:
            if len(specification["Containers"]) != 1:
                raise invalid("localaws serves models of one container")
            return dict(specification["Containers"][0])
    raise invalid(f"Model package {package['ModelPackageArn']} has no inference specification {name!r}")


@operation("DeleteModel", takes("ModelName"))
def delete_model(request: Request) -> Answer:
    """sagemaker:DeleteModel."""
    return models.remove(models.get(request["ModelName"]))


@operation(
    "CreateEndpointConfig",
    takes(
        "EndpointConfigName Tags KmsKeyId",
        ProductionVariants=takes(
            "VariantName ModelName InstanceType InitialInstanceCount InitialVariantWeight VolumeSizeInGB "
            "ModelDataDownloadTimeoutInSeconds ContainerStartupHealthCheckTimeoutInSeconds"
        ),
    ),
)
def create_endpoint_config(request: Request) -> Answer:
    """sagemaker:CreateEndpointConfig."""
    if len(request["ProductionVariants"]) != 1:
        raise invalid("localaws serves endpoints of one production variant")
    [variant] = request["ProductionVariants"]
    for needed in ("ModelName", "InstanceType", "InitialInstanceCount"):
        if needed not in variant:
            raise invalid(f"{needed} is required in a production variant")
    models.get(variant["ModelName"])
    return {"EndpointConfigArn": endpoint_configs.add(request)["EndpointConfigArn"]}


@operation("DeleteEndpointConfig", takes("EndpointConfigName"))
def delete_endpoint_config(request: Request) -> Answer:
    """sagemaker:DeleteEndpointConfig."""
    return endpoint_configs.remove(endpoint_configs.get(request["EndpointConfigName"]))
