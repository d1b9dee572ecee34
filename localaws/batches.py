"""One instance of a batch transform: what of a file is sent at a time, and what the model makes of it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import NamedTuple

from localaws.api import Json
from localaws.data_processing import DataError, DataProcessing
from localaws.serving import Answer, ModelServer

# Unless the request says otherwise.
PAYLOAD_MEGABYTES, TIMEOUT_SECONDS, RETRIES = 6, 600, 3


class FileError(Exception):
    """A file that has no output."""

    def __init__(self, blame: str, *lines: str) -> None:
        """Say who is to blame, as a FailureReason begins, and what the log says."""
        super().__init__(*lines)
        self.blame, self.lines = blame, lines


class Payload(NamedTuple):
    """Records, and what is sent of them."""

    records: list[bytes]
    body: bytes


class Instance:
    """Sends files to a model server, ``at_once`` requests at a time."""

    def __init__(self, request: Json, server: ModelServer, stopping: threading.Event) -> None:
        """Of a job; it gives up once ``stopping`` is set."""
        self._request, self._server, self._stopping = request, server, stopping
        self._processing = DataProcessing(request)
        self._pool = ThreadPoolExecutor(at_once(request))

    def stop(self) -> None:
        """End the server and, with it, what is in flight."""
        self._server.stop()
        self._pool.shutdown(cancel_futures=True)

    def output(self, data: bytes) -> bytes:
        """What the model makes of a file, in its order; a FileError if it is not made, or not all of it."""
        futures = [self._pool.submit(self._result, payload) for payload in list(self._payloads(data))]
        lines = self._request["TransformOutput"].get("AssembleWith") == "Line"
        results = []
        try:
            for future in futures:
                while not wait([future], 0.1).done:
                    if self._stopping.is_set():
                        return b""
                result = future.result()
                results.append(result + b"\n" if lines and not result.endswith(b"\n") else result)
        finally:
            for future in futures:
                future.cancel()
        return b"".join(results)

    def _payloads(self, data: bytes) -> Iterator[Payload]:
        """A file, cut into what is sent at a time."""
        most = megabytes(self._request) * 2**20 or len(data)
        alone = self._request.get("BatchStrategy") == "SingleRecord"
        records, bodies, size = list[bytes](), list[bytes](), 0
        for record in self._records(data):
            try:
                body = self._processing.asked(record)
            except DataError as error:
                raise FileError("ClientError", str(error)) from error
            if len(body) > most:
                raise FileError(
                    "ClientError",
                    f"Too much data for max payload size: a record has {len(body)} bytes, more than the "
                    f"{most} of MaxPayloadInMB",
                )
            if records and (alone or size + len(body) > most):
                yield Payload(records, b"\n".join(bodies))
                records, bodies, size = [], [], 0
            records.append(record)
            bodies.append(body)
            size += len(body) + 1
        if records:
            yield Payload(records, b"\n".join(bodies))

    def _records(self, data: bytes) -> list[bytes]:
        if self._request["TransformInput"].get("SplitType") != "Line":
            return [data]
        return data.removesuffix(b"\n").split(b"\n") if data else []

    def _result(self, payload: Payload) -> bytes:
        answer = self._asked(payload.body)
        if answer is None:
            raise FileError("AlgorithmError", "Unable to get response from algorithm")
        if answer.status != 200:
            blame, what = "AlgorithmError", f"Bad HTTP status received from algorithm: {answer.status}"
            if 400 <= answer.status < 500:
                blame, what = "ClientError", f"ClientError: {answer.status}"
            raise FileError(blame, what, "", "Message:", *answer.body.decode(errors="replace").splitlines())
        try:
            return self._processing.written(payload.records, answer.body)
        except DataError as error:
            raise FileError("ClientError", str(error)) from error

    def _asked(self, body: bytes) -> Answer | None:
        """What the model answers, at last; None if it does not."""
        config = self._request.get("ModelClientConfig", {})
        seconds = config.get("InvocationsTimeoutInSeconds", TIMEOUT_SECONDS)
        headers = {"Content-Type": self._request["TransformInput"]["ContentType"]}
        if accept := self._request["TransformOutput"].get("Accept"):
            headers["Accept"] = accept
        answer = None
        for _ in range(1 + config.get("InvocationsMaxRetries", RETRIES)):
            try:
                answer = self._server.request("POST", "/invocations", body, headers, seconds)
            except OSError:
                answer = None
            if self._stopping.is_set() or (answer and answer.status < 500):
                break
        return answer


def megabytes(request: Json) -> int:
    """How much is sent at a time; 0 means any amount."""
    return int(request.get("MaxPayloadInMB", PAYLOAD_MEGABYTES))


def at_once(request: Json) -> int:
    """How many requests an instance gets at a time."""
    return int(request.get("MaxConcurrentTransforms", 0)) or 1
