"""Processing jobs: the entrypoint that the request names, in a folder that stands for /opt/ml."""

import re
from pathlib import Path

from localaws import jobs, network, storage
from localaws.api import Json, invalid
from localaws.jobs import OPT_ML
from localaws.resources import Collection

IMAGE = re.compile(r"pytorch-(training|inference)[^/]*$")
MESSAGE_BYTES = 1024


@jobs.job(
    Collection("ProcessingJob"),
    """ProcessingJobName Environment RoleArn NetworkConfig EnableNetworkIsolation Tags Key Value
    EnableInterContainerTrafficEncryption VpcConfig SecurityGroupIds Subnets
    AppSpecification ImageUri ContainerEntrypoint! ContainerArguments
    ProcessingInputs InputName S3Input! S3Uri LocalPath! S3DataType=S3Prefix S3InputMode=File
    ProcessingOutputConfig Outputs OutputName S3Output! S3UploadMode=EndOfJob KmsKeyId
    ProcessingResources ClusterConfig InstanceType InstanceCount=1 VolumeSizeInGB VolumeKmsKeyId
    StoppingCondition MaxRuntimeInSeconds""",
)
class ProcessingJob(jobs.ProcessJob):
    """A processing job."""

    @staticmethod
    def check(request: Json) -> None:
        """Take the images that have our packages, and inputs and outputs in the job's folder."""
        if not IMAGE.search(image := request["AppSpecification"]["ImageUri"]):
            raise invalid(
                f"localaws runs the images …pytorch-training:… and …-inference:… only, not {image!r}"
            )
        network.check(request.get("NetworkConfig", {}).get("VpcConfig", {}))
        places = [item["S3Input"] for item in request.get("ProcessingInputs", [])] + _outputs(request)
        for path in (Path(place["LocalPath"]) for place in places):
            if not path.is_relative_to(f"{OPT_ML}/processing") or ".." in path.parts:
                raise invalid(f"a LocalPath must be under {OPT_ML}/processing/, and is {str(path)!r}")

    def fetch(self) -> None:
        """Download the inputs; make the outputs' folders; write the configuration files."""
        for item in self.record.get("ProcessingInputs", []):
            storage.download(item["S3Input"]["S3Uri"], Path(self.here(item["S3Input"]["LocalPath"])))
        for output in _outputs(self.record):
            Path(self.here(output["LocalPath"])).mkdir(parents=True, exist_ok=True)
        (self.base / "output").mkdir(exist_ok=True)
        config = {key: value for key, value in self.record.items() if key != "job"}
        self.write_config("config/processingjobconfig.json", config)
        self.write_config("config/resourceconfig.json", {"current_host": "algo-1", "hosts": ["algo-1"]})

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Entrypoint and arguments."""
        application = self.record["AppSpecification"]
        arguments = application["ContainerEntrypoint"] + application.get("ContainerArguments", [])
        return arguments, {"PROCESSING_JOB_NAME": self.name}

    def deliver(self, status: int) -> str:
        """Keep the message that the script left, as FailureReason has none; upload the outputs."""
        message = self.base / "output/message"
        if message.exists():
            self.update(ExitMessage=message.read_bytes()[:MESSAGE_BYTES].decode(errors="ignore"))
        if status:
            return f"AlgorithmError: See job logs for more information, exit code: {status}"
        for output in _outputs(self.record):
            storage.upload_folder(Path(self.here(output["LocalPath"])), output["S3Uri"])
        return ""


def _outputs(request: Json) -> list[Json]:
    return [item["S3Output"] for item in request.get("ProcessingOutputConfig", {}).get("Outputs", [])]
