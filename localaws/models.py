"""Models: what an endpoint or a batch transform serves."""

from localaws import network, storage
from localaws.api import Json, invalid, operation
from localaws.registry import model_packages
from localaws.resources import Collection

IMAGE = "huggingface-pytorch-inference"

models = Collection("Model")
operation("DeleteModel", "ModelName")(models.delete)


@operation(
    "CreateModel",
    """ModelName ExecutionRoleArn EnableNetworkIsolation VpcConfig SecurityGroupIds Subnets Tags Key Value
    PrimaryContainer! Image ModelDataUrl Environment ModelPackageName Mode=SingleModel""",
)
def _create_model(request: Json) -> Json:
    network.check(request.get("VpcConfig", {}))
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
    url = container.get("ModelDataUrl")
    if url is None and "HF_MODEL_ID" not in environment:  # with it, the image loads from the Hugging Face Hub
        raise invalid(
            "ModelDataUrl (s3://…/model.tar.gz) or the environment variable HF_MODEL_ID is required"
        )
    if url is not None:
        try:
            storage.require(url)
        except storage.TransferError as error:
            raise invalid(f"Could not access model data: {error}") from error
    return {"ModelDataUrl": url, "Environment": environment}
