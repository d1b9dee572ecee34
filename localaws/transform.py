"""Batch transform: model servers of a job's own, among which the files of its input are shared."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

from localaws import jobs, storage
from localaws.api import ApiError, Json, invalid
from localaws.batches import FileError, Instance, at_once, megabytes
from localaws.data_processing import DataProcessing
from localaws.logs import LogStream
from localaws.models import models
from localaws.resources import Collection, now
from localaws.serving import ModelServer, StartError

MOST_MEGABYTES = 100  # of all payloads at a time
STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}


@jobs.job(
    Collection("TransformJob"),
    """TransformJobName ModelName Environment Tags Key Value
    TransformInput DataSource S3DataSource S3DataType=S3Prefix|ManifestFile S3Uri
    ContentType! CompressionType=None SplitType
    TransformOutput S3OutputPath Accept AssembleWith KmsKeyId
    TransformResources InstanceType InstanceCount VolumeKmsKeyId
    BatchStrategy MaxPayloadInMB MaxConcurrentTransforms
    DataProcessing InputFilter OutputFilter JoinSource
    ModelClientConfig InvocationsTimeoutInSeconds InvocationsMaxRetries""",
)
class TransformJob(jobs.Job):
    """A batch transform job."""

    @staticmethod
    def check(request: Json) -> None:
        """Take a model that there is, and whole files or lines."""
        models.get(request["ModelName"])
        if (split := request["TransformInput"].get("SplitType", "None")) not in ("None", "Line"):
            raise invalid(f"localaws does not implement {split} as SplitType, only None and Line")
        if max(megabytes(request), megabytes(request) * at_once(request)) > MOST_MEGABYTES:
            raise invalid(f"MaxConcurrentTransforms * MaxPayloadInMB cannot be over {MOST_MEGABYTES} MB")
        DataProcessing(request)

    def work(self) -> tuple[str, str, str]:
        """Fetch the input, start the servers, write what they make of each file."""
        folder = self.base / "input"
        source = self.record["TransformInput"]["DataSource"]["S3DataSource"]
        if source["S3DataType"] == "ManifestFile":
            self._root = storage.download_manifest(source["S3Uri"], folder)
        else:
            self._root = source["S3Uri"]
            storage.download(self._root, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        # One that would have no file is not started.
        count = min(self.record["TransformResources"]["InstanceCount"], len(files))
        instances = list[Instance]()
        try:
            for number in range(1, count + 1):
                instances.append(Instance(self.record, self._server(number), self.stopping))
        except (StartError, ApiError) as error:
            for instance in instances:
                instance.stop()
            return "Failed", "Failed", f"ClientError: {error}"
        self.started()
        with ThreadPoolExecutor(count) as pool:
            runs = [
                pool.submit(copy_context().run, self._run, instance, number, files[number - 1 :: count])
                for number, instance in enumerate(instances, 1)
            ]
        blamed = [blame for run in runs for blame in run.result()]
        if self.stopping.is_set():
            return "Stopped", "Stopped", ""
        if blamed:
            return "Failed", "Failed", f"{blamed[0]}: See job logs for more information"
        return "Completed", "Completed", ""

    def _run(self, instance: Instance, number: int, files: list[Path]) -> list[str]:
        """Write the outputs of the files; returns who is to blame for those that have none."""
        log = self.open_log(f"{self.host(number)}/data-log")
        strategy = STRATEGIES[self.record.get("BatchStrategy", "MultiRecord")]
        _tell(
            log,
            f"MaxConcurrentTransforms={at_once(self.record)}, MaxPayloadInMB={megabytes(self.record)}, "
            f"BatchStrategy={strategy}",
        )
        target, blamed = self.record["TransformOutput"]["S3OutputPath"].rstrip("/"), []
        try:
            for file in files:
                name = file.relative_to(self.base / "input").as_posix()
                try:
                    output = instance.output(file.read_bytes())
                except FileError as error:
                    blamed.append(error.blame)
                    whole = f"{self._root.removeprefix('s3://').rpartition('/')[0]}/{name}"
                    _tell(log, *(f"{whole}: {line}" for line in error.lines))
                    continue
                if self.stopping.is_set():
                    break
                storage.put(output, f"{target}/{name}.out")
        finally:
            instance.stop()
        return blamed

    def _server(self, number: int) -> ModelServer:
        environment = {"SAGEMAKER_BATCH": "true"}
        for variable, member in (
            ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "MaxPayloadInMB"),
            ("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "MaxConcurrentTransforms"),
            ("SAGEMAKER_BATCH_STRATEGY", "BatchStrategy"),
        ):
            if member in self.record:
                environment[variable] = STRATEGIES.get(self.record[member], str(self.record[member]))
        return ModelServer(
            models.get(self.record["ModelName"])["source"],
            self.base / f"server-{number}",
            self.log if number == 1 else self.open_log(self.host(number)),
            title=f"The primary container of the model {self.record['ModelName']}",
            environment=environment | self.record.get("Environment", {}),
        )


def _tell(log: LogStream, *lines: str) -> None:
    """Write what SageMaker itself has to say."""
    time = now().replace(tzinfo=None).isoformat(timespec="milliseconds")
    log.write(*(f"{time}:[sagemaker logs]: {line}" for line in lines))
