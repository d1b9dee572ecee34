"""Processing jobs: the entrypoint that the request names, in a folder that stands for /opt/ml."""

import re
from pathlib import Path

from localaws import jobs, storage
from localaws.api import Answer, Request, invalid, operation, takes
from localaws.jobs import OPT_ML, Job
from localaws.resources import Collection

IMAGE = re.compile(r"pytorch-(training|inference)[^/]*$")
MESSAGE_BYTES = 1024

processing_jobs = Collection(
    "processing-job",
    "ProcessingJob",
    missing="Could not find requested job with name: {name}",
    exists="Job name must be unique within an AWS account and region, and a job with this name already "
    "exists ({arn})",
    exists_code="ResourceInUse",
)
_jobs: dict[str, "ProcessingJob"] = {}  # by ARN


class ProcessingJob(Job):
    """A processing job."""

    def fetch(self) -> None:
        """Download the inputs; make the outputs' folders; write the configuration files."""
        for item in self.record.get("ProcessingInputs", []):
            target = Path(self._here(item["S3Input"]["LocalPath"]))
            storage.download_prefix(item["S3Input"]["S3Uri"], target)
        for target, _ in self._outputs():
            target.mkdir(parents=True, exist_ok=True)
        (self.base / "output").mkdir(exist_ok=True)
        self.write_config("config/processingjobconfig.json", self.collection.describe(self.record))
        self.write_config("config/resourceconfig.json", {"current_host": "algo-1", "hosts": ["algo-1"]})

    def command(self) -> tuple[list[str], dict[str, str]]:
        """Entrypoint and arguments, /opt/ml replaced by the job's folder."""
        application = self.record["AppSpecification"]
        arguments = application["ContainerEntrypoint"] + application.get("ContainerArguments", [])
        environment = {"PROCESSING_JOB_NAME": self.name, **self.record.get("Environment", {})}
        here = [self._here(argument) for argument in arguments]
        return here, jobs.container_environment(self.base, environment)

    def deliver(self, failed: bool) -> None:
        """Keep the message that the script left; upload the outputs unless it failed."""
        message = self.base / "output/message"
        if message.exists():
            self.update(ExitMessage=message.read_bytes()[:MESSAGE_BYTES].decode(errors="ignore"))
        if not failed:
            for target, uri in self._outputs():
                storage.upload_folder(target, uri)

    def reason(self, status: int) -> str:
        """SageMaker's own words: the script's are the ExitMessage."""
        return f"AlgorithmError: See job logs for more information, exit code: {status}"

    def _outputs(self) -> list[tuple[Path, str]]:
        """Folder and S3 URI of each output."""
        outputs = self.record.get("ProcessingOutputConfig", {}).get("Outputs", [])
        targets = [output["S3Output"] for output in outputs]
        return [(Path(self._here(target["LocalPath"])), target["S3Uri"]) for target in targets]

    def _here(self, text: str) -> str:
        return text.replace(OPT_ML, str(self.base))


# A role and the network have no meaning here: nobody checks a role, and there is no network to isolate.
@operation(
    "CreateProcessingJob",
    takes(
        "ProcessingJobName Environment Tags RoleArn NetworkConfig",
        ProcessingInputs=takes(
            "InputName",
            AppManaged=False,
            S3Input=takes(
                "S3Uri LocalPath",
                S3DataType="S3Prefix",
                S3InputMode="File",
                S3DataDistributionType="FullyReplicated",
                S3CompressionType="None",
            ),
        ),
        ProcessingOutputConfig=takes(
            "KmsKeyId",
            Outputs=takes(
                "OutputName", AppManaged=False, S3Output=takes("S3Uri LocalPath", S3UploadMode="EndOfJob")
            ),
        ),
        ProcessingResources=takes(
            "", ClusterConfig=takes("InstanceType VolumeSizeInGB VolumeKmsKeyId", InstanceCount=1)
        ),
        StoppingCondition=takes("MaxRuntimeInSeconds"),
        AppSpecification=takes("ImageUri ContainerEntrypoint ContainerArguments"),
    ),
)
def create_processing_job(request: Request) -> Answer:
    """sagemaker:CreateProcessingJob."""
    application = request["AppSpecification"]
    if not IMAGE.search(application["ImageUri"]):
        raise invalid(
            "localaws runs images of PyTorch and Hugging Face only (…pytorch-training:…, …-inference:…) "
            f"with the packages of this Python; the image is {application['ImageUri']!r}"
        )
    if "ContainerEntrypoint" not in application:
        raise invalid("localaws has no image to take an entrypoint from: ContainerEntrypoint is required")
    places = [(item["InputName"], item.get("S3Input", {})) for item in request.get("ProcessingInputs", [])]
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    places += [(output["OutputName"], output.get("S3Output", {})) for output in outputs]
    for name, place in places:
        path = Path(place.get("LocalPath", ""))
        if not path.is_relative_to(f"{OPT_ML}/processing") or ".." in path.parts:
            raise invalid(f"the LocalPath of {name} must be under {OPT_ML}/processing/, and is {str(path)!r}")
    record = processing_jobs.add(request, ProcessingJobStatus="InProgress")
    job = _jobs[record["ProcessingJobArn"]] = ProcessingJob(processing_jobs, record)
    return job.start()


@operation("StopProcessingJob", takes("ProcessingJobName"))
def stop_processing_job(request: Request) -> Answer:
    """sagemaker:StopProcessingJob."""
    return _jobs[processing_jobs.get(request["ProcessingJobName"])["ProcessingJobArn"]].stop()
