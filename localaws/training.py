"""Training jobs, run by the SageMaker training toolkit itself."""

import contextlib
import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from localaws import checkpoints, jobs, network, storage
from localaws.api import Json, invalid
from localaws.experiments import trials
from localaws.jobs import OPT_ML
from localaws.resources import Collection, now

IMAGE = "huggingface-pytorch-training"
CONTENT = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}


@jobs.job(
    Collection("TrainingJob", missing="Requested resource not found."),
    """TrainingJobName HyperParameters Environment RoleArn EnableNetworkIsolation Tags Key Value
    EnableInterContainerTrafficEncryption VpcConfig SecurityGroupIds Subnets
    AlgorithmSpecification! TrainingImage! TrainingInputMode=File MetricDefinitions Name Regex
    InputDataConfig ChannelName DataSource S3DataSource! S3Uri S3DataType=S3Prefix
    S3DataDistributionType=FullyReplicated OutputDataConfig S3OutputPath KmsKeyId
    ResourceConfig! InstanceType! InstanceCount=1 VolumeSizeInGB VolumeKmsKeyId
    StoppingCondition! MaxRuntimeInSeconds MaxWaitTimeInSeconds EnableManagedSpotTraining
    KeepAlivePeriodInSeconds ExperimentConfig ExperimentName TrialName
    CheckpointConfig LocalPath""",
)
class TrainingJob(jobs.ProcessJob):
    """A training job, its folder laid out as the training toolkit expects it."""

    @staticmethod
    def check(request: Json) -> None:
        """Take the images that have the toolkit, metrics that can be parsed, and a wait that spot needs."""
        algorithm = request["AlgorithmSpecification"]
        if IMAGE not in algorithm["TrainingImage"]:
            raise invalid(f"localaws runs the images …/{IMAGE}:… only, not {algorithm['TrainingImage']!r}")
        for metric in algorithm.get("MetricDefinitions", []):
            try:
                groups = re.compile(metric["Regex"]).groups
            except re.error as error:
                raise invalid(f"the Regex of the metric {metric['Name']} is none: {error}") from error
            if groups != 1:
                raise invalid(f"the Regex of the metric {metric['Name']} must have one group")
        limits, spot = request["StoppingCondition"], request.get("EnableManagedSpotTraining", False)
        longest = limits.get("MaxRuntimeInSeconds", jobs.RUNTIME_SECONDS)
        if limits.get("MaxWaitTimeInSeconds", 0 if spot else longest) < longest:
            raise invalid(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
                "MaxRuntimeInSeconds"
            )
        if not _checkpoints(request).is_relative_to(OPT_ML) or ".." in _checkpoints(request).parts:
            raise invalid(f"LocalPath of CheckpointConfig must be under {OPT_ML}/")
        network.check(request.get("VpcConfig", {}))
        if trial := request.get("ExperimentConfig", {}).get("TrialName"):
            trials.get(trial)

    def fetch(self) -> None:
        """Download the channels; write the configuration files."""
        channels = {}
        for channel in self.record.get("InputDataConfig", []):
            name = channel["ChannelName"]
            storage.download(channel["DataSource"]["S3DataSource"]["S3Uri"], self.base / "input/data" / name)
            channels[name] = CONTENT
        instance = self.record["ResourceConfig"]["InstanceType"]
        resources = {"current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": instance}
        resources["network_interface_name"] = "eth0"
        self.write_config("input/config/inputdataconfig.json", channels)
        # Such as the path of source code that comes in a channel: sagemaker_submit_directory.
        parameters = {key: self.here(value) for key, value in self.record.get("HyperParameters", {}).items()}
        self.write_config("input/config/hyperparameters.json", parameters)
        self.write_config("input/config/resourceconfig.json", resources)
        for name in ("model", "output/data", "code"):
            (self.base / name).mkdir(parents=True)

    def command(self) -> tuple[list[str], dict[str, str]]:
        """The console command ``train`` of the Hugging Face training images."""
        environment = {
            "SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main",
            "SM_STUDIO_LOCAL_MODE": "true",  # or the toolkit waits fifteen minutes for the DNS name algo-1
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.record["TrainingJobArn"],
        }
        return [str(jobs.python()), "-m", "sagemaker_training.cli.train"], environment

    def alongside(self) -> AbstractContextManager[None]:
        """Keep the checkpoints in S3."""
        folder = Path(self.here(str(_checkpoints(self.record))))
        uri = self.record.get("CheckpointConfig", {}).get("S3Uri")
        return checkpoints.kept(folder, uri) if uri else nullcontext()

    def deliver(self, status: int) -> str:
        """Upload model.tar.gz and, also after a failure, output.tar.gz; the toolkit left its reason."""
        target = f"{self.record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"
        if any((self.base / "output/data").iterdir()):
            storage.upload_archive(self.base / "output/data", f"{target}/output.tar.gz")
        if status == 0:
            storage.upload_archive(self.base / "model", f"{target}/model.tar.gz")
            self.update(ModelArtifacts={"S3ModelArtifacts": f"{target}/model.tar.gz"})
            return ""
        failure = self.base / "output/failure"
        text = failure.read_text(encoding="utf-8", errors="replace").strip() if failure.exists() else ""
        start, end = "AlgorithmError: ", f", exit code: {status}"
        return start + text[: jobs.REASON_LENGTH - len(start) - len(end)] + end

    def read_line(self, line: str) -> None:
        """Parse the job's metrics; the last value of each is the final one."""
        for definition in self.record["AlgorithmSpecification"].get("MetricDefinitions", []):
            if found := re.search(definition["Regex"], line):
                name, before = definition["Name"], self.record.get("FinalMetricDataList", [])
                others = [one for one in before if one["MetricName"] != name]
                with contextlib.suppress(TypeError, ValueError):  # what is no number is no metric
                    metric = {"MetricName": name, "Value": float(found.group(1)), "Timestamp": now()}
                    self.update(FinalMetricDataList=[*others, metric])

    def phase(self, secondary: str) -> None:
        """Record the secondary status and its transition."""
        time = now()
        before = [{"EndTime": time, **one} for one in self.record.get("SecondaryStatusTransitions", [])]
        transitions = [*before, {"Status": secondary, "StartTime": time}]
        fields: Json = {"SecondaryStatus": secondary, "SecondaryStatusTransitions": transitions}
        if started := self.record.get("TrainingStartTime"):
            seconds = max(1, round((time - started).total_seconds()))
            fields |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        self.update(**fields)


def _checkpoints(request: Json) -> Path:
    return Path(request.get("CheckpointConfig", {}).get("LocalPath", f"{OPT_ML}/checkpoints"))
