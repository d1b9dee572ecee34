"""Training jobs, run by the SageMaker training toolkit itself."""

import re
import sys

from localaws import jobs, storage
from localaws.api import Answer, Request, invalid, operation, takes
from localaws.jobs import Job
from localaws.resources import Collection, Record, now

IMAGE = "huggingface-pytorch-training"

training_jobs = Collection(
    "training-job",
    "TrainingJob",
    missing="Requested resource not found.",
    exists="Training job names must be unique within an AWS account and region, and a training job with this "
    "name already exists ({arn})",
    exists_code="ResourceInUse",
)
_jobs: dict[str, "TrainingJob"] = {}  # by ARN


class TrainingJob(Job):
    """A training job, its folder laid out as the training toolkit expects it."""

    def fetch(self) -> None:
        """Download the channels; write the configuration files."""
        channels = {}
        for channel in self.record.get("InputDataConfig", []):
            name = channel["ChannelName"]
            storage.download_prefix(
                channel["DataSource"]["S3DataSource"]["S3Uri"], self.base / "input/data" / name
            )
            channels[name] = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
            channels[name] |= {"RecordWrapperType": "None"}
            channels[name] |= {key: channel[key] for key in ("ContentType",) if key in channel}
        hosts = {"instance_type": self.record["ResourceConfig"]["InstanceType"], "hosts": ["algo-1"]}
        resources = {
            "current_host": "algo-1",
            "current_instance_type": hosts["instance_type"],
            "current_group_name": "homogeneousCluster",
            "hosts": ["algo-1"],
            "instance_groups": [{"instance_group_name": "homogeneousCluster", **hosts}],
            "network_interface_name": "eth0",
        }
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
            **self.record.get("Environment", {}),
        }
        arguments = [sys.executable, "-c", "from sagemaker_training.cli.train import main; main()"]
        return arguments, jobs.container_environment(self.base, environment)

    def deliver(self, failed: bool) -> None:
        """Upload model.tar.gz and, also after a failure, output.tar.gz."""
        target = f"{self.record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"
        if not failed:
            storage.upload_archive(self.base / "model", f"{target}/model.tar.gz")
            self.update(ModelArtifacts={"S3ModelArtifacts": f"{target}/model.tar.gz"})
        if any((self.base / "output/data").iterdir()):
            storage.upload_archive(self.base / "output/data", f"{target}/output.tar.gz")

    def reason(self, status: int) -> str:
        """What the toolkit left in output/failure, in SageMaker's frame."""
        failure = self.base / "output/failure"
        text = failure.read_text(encoding="utf-8", errors="replace").strip() if failure.exists() else ""
        start, end = "AlgorithmError: ", f", exit code: {status}"
        return start + text[: jobs.REASON_LENGTH - len(start) - len(end)] + end

    def read_line(self, line: str) -> None:
        """Parse the job's metrics; the last value of each is the final one."""
        for definition in self.record["AlgorithmSpecification"].get("MetricDefinitions", []):
            if found := re.search(definition["Regex"], line):
                name = definition["Name"]
                others = [
                    one for one in self.record.get("FinalMetricDataList", []) if one["MetricName"] != name
                ]
                metric = {"MetricName": name, "Value": float(found.group(1)), "Timestamp": now()}
                self.update(FinalMetricDataList=[*others, metric])

    def phase(self, secondary: str) -> None:
        """Record the secondary status and its transition."""
        time = now()
        transitions = [dict(one) for one in self.record.get("SecondaryStatusTransitions", [])]
        if transitions:
            transitions[-1]["EndTime"] = time
        transitions.append({"Status": secondary, "StartTime": time})
        fields: Record = {"SecondaryStatus": secondary, "SecondaryStatusTransitions": transitions}
        if started := self.record.get("TrainingStartTime"):
            seconds = max(1, round((time - started).total_seconds()))
            fields |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        self.update(**fields)


# A role and the network have no meaning here: nobody checks a role, and there is no network to isolate.
@operation(
    "CreateTrainingJob",
    takes(
        "TrainingJobName HyperParameters Environment Tags RoleArn EnableNetworkIsolation "
        "EnableInterContainerTrafficEncryption",
        AlgorithmSpecification=takes(
            "TrainingImage MetricDefinitions EnableSageMakerMetricsTimeSeries", TrainingInputMode="File"
        ),
        InputDataConfig=takes(
            "ChannelName ContentType",
            DataSource=takes(
                "",
                S3DataSource=takes("S3Uri", S3DataType="S3Prefix", S3DataDistributionType="FullyReplicated"),
            ),
            InputMode="File",
            CompressionType="None",
            RecordWrapperType="None",
        ),
        OutputDataConfig=takes("S3OutputPath KmsKeyId", CompressionType="GZIP"),
        ResourceConfig=takes("InstanceType VolumeSizeInGB VolumeKmsKeyId", InstanceCount=1),
        StoppingCondition=takes("MaxRuntimeInSeconds"),
    ),
)
def create_training_job(request: Request) -> Answer:
    """sagemaker:CreateTrainingJob."""
    for needed in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if needed not in request:
            raise invalid(f"{needed} is required")
    algorithm = request["AlgorithmSpecification"]
    if IMAGE not in algorithm.get("TrainingImage", ""):
        raise invalid(
            f"localaws runs Hugging Face's training images only (…/{IMAGE}:…), with the training toolkit and "
            f"the packages of this Python; the image is {algorithm.get('TrainingImage')!r}"
        )
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            groups = re.compile(definition["Regex"]).groups
        except re.error as error:
            raise invalid(f"the Regex of the metric {definition['Name']} is none: {error}") from error
        if groups != 1:
            raise invalid(f"the Regex of the metric {definition['Name']} must have one group")
    record = training_jobs.add(request, TrainingJobStatus="InProgress")
    job = _jobs[record["TrainingJobArn"]] = TrainingJob(training_jobs, record)
    job.phase("Starting")
    return job.start()


@operation("StopTrainingJob", takes("TrainingJobName"))
def stop_training_job(request: Request) -> Answer:
    """sagemaker:StopTrainingJob."""
    return _jobs[training_jobs.get(request["TrainingJobName"])["TrainingJobArn"]].stop()
