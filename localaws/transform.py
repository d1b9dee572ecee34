"""Batch transform: a model server for a job's own, asked about every record of the input."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

from localaws import jobs, storage
from localaws.api import Json, invalid
from localaws.models import models
from localaws.resources import Collection
from localaws.serving import ModelServer, StartError

# Unless the request says otherwise.
PAYLOAD_MEGABYTES, TIMEOUT_SECONDS, RETRIES = 6, 600, 3
MOST_MEGABYTES = 100  # of all payloads at a time


class RefusedError(Exception):
    """A record that does not become a result; the message says why."""


@jobs.job(
    Collection("TransformJob"),
    """TransformJobName ModelName Environment Tags Key Value
    TransformInput DataSource S3DataSource S3DataType=S3Prefix S3Uri
    ContentType! CompressionType=None SplitType
    TransformOutput S3OutputPath Accept AssembleWith KmsKeyId
    TransformResources InstanceType InstanceCount=1 VolumeKmsKeyId
    BatchStrategy MaxPayloadInMB MaxConcurrentTransforms DataProcessing JoinSource
    ModelClientConfig InvocationsTimeoutInSeconds InvocationsMaxRetries""",
)
class TransformJob(jobs.Job):
    """A batch transform job."""

    @staticmethod
    def check(request: Json) -> None:
        """Take a model that there is, whole files or lines, and JSON to be joined."""
        models.get(request["ModelName"])
        given = request["TransformInput"]
        if (split := given.get("SplitType", "None")) not in ("None", "Line"):
            raise invalid(f"localaws does not implement {split} as SplitType, only None and Line")
        if split == "Line" and "BatchStrategy" not in request:
            raise invalid("localaws wants a BatchStrategy with the SplitType Line")
        if _joins(request) and "json" not in given["ContentType"]:
            raise invalid(f"localaws joins JSON only, not {given['ContentType']}")
        if _megabytes(request) * _at_once(request) > MOST_MEGABYTES:
            raise invalid(f"MaxConcurrentTransforms * MaxPayloadInMB cannot be over {MOST_MEGABYTES} MB")

    def work(self) -> tuple[str, str, str]:
        """Fetch the input, start the server, write what it makes of each file."""
        folder, target = self.base / "input", self.record["TransformOutput"]["S3OutputPath"].rstrip("/")
        storage.download(self.record["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"], folder)
        try:
            server = self._server()
        except StartError as error:
            return "Failed", "Failed", f"ClientError: {error}"
        pool = ThreadPoolExecutor(_at_once(self.record))
        try:
            self.started()
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = file.relative_to(folder).as_posix()
                try:
                    results = b"".join(self._results(file.read_bytes(), server, pool))
                except RefusedError as error:
                    return "Failed", "Failed", f"ClientError: {name}: {error}"
                if self.stopping.is_set():
                    return "Stopped", "Stopped", ""
                storage.put(results, f"{target}/{name}.out")
        finally:
            server.stop()  # with it ends what is still in flight
            pool.shutdown(cancel_futures=True)
        return "Completed", "Completed", ""

    def _server(self) -> ModelServer:
        environment = {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(_megabytes(self.record)),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(_at_once(self.record)),
        }
        return ModelServer(
            self.record["ModelName"],
            self.base / "server",
            self.log,
            title=f"The primary container of the model {self.record['ModelName']}",
            environment=environment | self.record.get("Environment", {}),
        )

    def _results(self, data: bytes, server: ModelServer, pool: ThreadPoolExecutor) -> Iterator[bytes]:
        """What the model makes of a file, in its order, until the job is stopped."""
        lines = self.record["TransformOutput"].get("AssembleWith") == "Line"
        for future in [pool.submit(self._result, payload, server) for payload in self._payloads(data)]:
            while not wait([future], 0.1).done:
                if self.stopping.is_set():
                    return
            result = future.result()
            yield result + b"\n" if lines and not result.endswith(b"\n") else result

    def _payloads(self, data: bytes) -> Iterator[bytes]:
        """A file, cut into what is sent at a time."""
        most = _megabytes(self.record) * 2**20 or len(data)
        if not _splits(self.record):
            records = [data]
        else:
            records = data.removesuffix(b"\n").split(b"\n") if data else []
        if longest := max((len(record) for record in records if len(record) > most), default=0):
            raise RefusedError(f"a record has {longest} bytes, more than MaxPayloadInMB")
        alone = self.record.get("BatchStrategy") == "SingleRecord"
        payload, size = list[bytes](), 0
        for record in records:
            if payload and (alone or size + len(record) > most):
                yield b"\n".join(payload)
                payload, size = [], 0
            payload.append(record)
            size += len(record) + 1
        if payload:
            yield b"\n".join(payload)

    def _result(self, payload: bytes, server: ModelServer) -> bytes:
        """What the model answers, joined with what it was asked, if the job is to join them."""
        config = self.record.get("ModelClientConfig", {})
        headers = {"Content-Type": self.record["TransformInput"]["ContentType"]}
        if accept := self.record["TransformOutput"].get("Accept"):
            headers["Accept"] = accept
        for _ in range(1 + config.get("InvocationsMaxRetries", RETRIES)):
            try:
                seconds = config.get("InvocationsTimeoutInSeconds", TIMEOUT_SECONDS)
                status, _, answer = server.request("POST", "/invocations", payload, headers, seconds)
            except OSError as error:
                status, answer = 500, f"the model server does not answer: {error}".encode()
            if status == 200:
                return _joined(payload, answer, _splits(self.record)) if _joins(self.record) else answer
            if status < 500 or self.stopping.is_set():
                break
        raise RefusedError(f"the model answered {status}: {answer.decode(errors='replace')}")


def _joined(payload: bytes, answer: bytes, lines: bool) -> bytes:
    """Each record with its result as a member more."""
    asked, answered = [payload], [answer]
    if lines and b"\n" in payload:
        asked, answered = payload.split(b"\n"), answer.removesuffix(b"\n").split(b"\n")
    if len(asked) != len(answered):
        raise RefusedError(f"the model answered {len(asked)} records with {len(answered)} lines")
    joined = []
    try:
        for record, result in zip(map(json.loads, asked), map(json.loads, answered), strict=True):
            whole = record if isinstance(record, dict) else {"SageMakerInput": record}
            joined.append(json.dumps(whole | {"SageMakerOutput": result}, ensure_ascii=False))
    except ValueError as error:
        raise RefusedError(f"what is to be joined is not JSON: {error}") from error
    return "\n".join(joined).encode()


def _splits(request: Json) -> bool:
    return bool(request["TransformInput"].get("SplitType") == "Line")


def _joins(request: Json) -> bool:
    return bool(request.get("DataProcessing", {}).get("JoinSource") == "Input")


def _megabytes(request: Json) -> int:
    return int(request.get("MaxPayloadInMB", PAYLOAD_MEGABYTES))


def _at_once(request: Json) -> int:
    return int(request.get("MaxConcurrentTransforms", 0)) or 1
