"""Endpoint configurations: which model an endpoint serves, on what, and what is kept of its traffic."""

from localaws.api import Json, invalid, operation
from localaws.models import models
from localaws.resources import Collection

endpoint_configs = Collection("EndpointConfig")
operation("DeleteEndpointConfig", "EndpointConfigName")(endpoint_configs.delete)


@operation(
    "CreateEndpointConfig",
    """EndpointConfigName KmsKeyId Tags Key Value
    ProductionVariants VariantName ModelName! InitialVariantWeight ContainerStartupHealthCheckTimeoutInSeconds
    InstanceType InitialInstanceCount ServerlessConfig MemorySizeInMB MaxConcurrency ProvisionedConcurrency
    DataCaptureConfig EnableCapture InitialSamplingPercentage DestinationS3Uri CaptureOptions CaptureMode
    CaptureContentTypeHeader CsvContentTypes JsonContentTypes""",
)
def _create_endpoint_config(request: Json) -> Json:
    if len(request["ProductionVariants"]) != 1:
        raise invalid("localaws serves endpoints of one production variant")
    [variant] = request["ProductionVariants"]
    model = models.get(variant["ModelName"])
    instances = variant.keys() & {"InstanceType", "InitialInstanceCount"}
    if "ServerlessConfig" in variant:
        if instances:
            raise invalid(f"A variant with a ServerlessConfig cannot have {', '.join(sorted(instances))}")
        _check_serverless(variant["ServerlessConfig"])
        if "DataCaptureConfig" in request:
            raise invalid("Serverless endpoints do not support data capture: leave out DataCaptureConfig")
        for feature in ("VpcConfig", "EnableNetworkIsolation"):
            if model.get(feature):
                raise invalid(f"Serverless endpoints do not support the {feature} of {model['ModelArn']}")
    elif len(instances) < 2:
        raise invalid("A variant needs InstanceType and InitialInstanceCount, or a ServerlessConfig")
    return endpoint_configs.add(request)


def _check_serverless(config: Json) -> None:
    if (memory := config["MemorySizeInMB"]) % 1024:
        raise invalid(f"MemorySizeInMB must be a multiple of 1024, and is {memory}")
    if (provisioned := config.get("ProvisionedConcurrency", 1)) > config["MaxConcurrency"]:
        raise invalid(
            f"ProvisionedConcurrency ({provisioned}) cannot be more than MaxConcurrency "
            f"({config['MaxConcurrency']})"
        )
