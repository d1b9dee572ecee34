"""Training jobs, run by the SageMaker training toolkit itself."""

import contextlib
import re

from localaws import jobs, storage
from localaws.api import Json, invalid
from localaws.resources import Collection, now

IMAGE = "huggingface-pytorch-training"
CONTENT = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}


@jobs.job(
    Collection("TrainingJob", missing="Requested resource not found."),
    """TrainingJobName HyperParameters Environment RoleArn EnableNetworkIsolation
    EnableInterContainerTrafficEncryption VpcConfig SecurityGroupIds Subnets
    AlgorithmSpecification! TrainingImage! TrainingInputMode=File MetricDefinitions Name Regex
    InputDataConfig ChannelName DataSource S3DataSource! S3Uri S3DataType=S3Prefix
    S3DataDistributionType=FullyReplicated OutputDataConfig S3OutputPath KmsKeyId
    ResourceConfig! InstanceType! InstanceCount=1 VolumeSizeInGB VolumeKmsKeyId
    StoppingCondition! MaxRuntimeInSeconds""",
)
class TrainingJob(jobs.Job):
    """A training job, its folder laid out as the training toolkit expects it."""

    @staticmethod
    def check(request: Json) -> None:
        """Take the images that have the toolkit, and metrics that can be parsed."""
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
        self.write_config("input/config/hyperparameters.json", self.record.get("HyperParameters", {}))
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
