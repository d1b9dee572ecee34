"""Data capture: what an endpoint was asked and what it answered, in S3, as Model Monitor reads it.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import random
from typing import NamedTuple

from ministack.core.responses import new_uuid

from localaws import storage
from localaws.api import Json
from localaws.resources import now


class Payload(NamedTuple):
    """A body and its content type."""

    content_type: str
    body: bytes


def due(config: Json) -> bool:
    """Whether an invocation is among those to be captured."""
    return bool(
        config.get("EnableCapture", True) and random.random() * 100 < config["InitialSamplingPercentage"]  # noqa: S311 (a sample, no secret)
    )


def keep(config: Json, endpoint: str, variant: str, asked: Payload, answered: Payload) -> None:
    """Write an invocation to an object of its own."""
    event, time = new_uuid(), now()
    modes = [option["CaptureMode"] for option in config["CaptureOptions"]]
    parts = {"Input": ("endpointInput", asked), "Output": ("endpointOutput", answered)}
    data = {
        name: _encoded(config, payload, mode.upper())
        for mode, (name, payload) in parts.items()
        if mode in modes or "InputAndOutput" in modes
    }
    line = {
        "captureData": data,
        "eventMetadata": {"eventId": event, "inferenceTime": f"{time:%Y-%m-%dT%H:%M:%SZ}"},
        "eventVersion": "0",
    }
    folder = f"{config['DestinationS3Uri'].rstrip('/')}/{endpoint}/{variant}/{time:%Y/%m/%d/%H}"
    storage.put(f"{json.dumps(line)}\n".encode(), f"{folder}/{time:%M-%S}-{event}.jsonl")


def _encoded(config: Json, payload: Payload, mode: str) -> Json:
    """A payload as text if its media type is among those that are, else in Base64."""
    types, media = config.get("CaptureContentTypeHeader", {}), payload.content_type.partition(";")[0].strip()
    found = {"observedContentType": payload.content_type, "mode": mode}
    for encoding, member in (("JSON", "JsonContentTypes"), ("CSV", "CsvContentTypes")):
        if media in types.get(member, []):
            return found | {"data": payload.body.decode(errors="replace"), "encoding": encoding}
    return found | {"data": base64.b64encode(payload.body).decode(), "encoding": "BASE64"}
