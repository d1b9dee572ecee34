"""What all SageMaker resources share: kept by name, with an ARN; described, listed, deleted."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from localaws.api import ApiError, Json, invalid, operation, sagemaker

_adding = threading.Lock()
_collections: dict[str, "Collection"] = {}


def now() -> datetime:
    """The time, as records keep it."""
    return datetime.now(UTC)


def by_arn(arn: str) -> Json:
    """The record of that ARN; an ApiError if there is none."""
    noun = arn.split(":", 5)[5].partition("/")[0]
    if noun not in _collections:
        raise invalid(f"localaws has no {noun} ({arn})")
    return _collections[noun].get(arn)


class Collection:
    """All resources of one type. Making it registers the type's Describe and List operations.

    A record holds the members of the Create request and those of the Describe answer, under AWS's names.
    """

    def __init__(
        self, shape: str, missing: str = 'Could not find {words} "{arn}".', filters: str = "NameContains"
    ) -> None:
        """Of ``shape`` in the model; List takes the ``filters`` NameContains, or members of the record."""
        self.shape, self.missing = shape, missing
        self.name, self.arn_name, self.status = f"{shape}Name", f"{shape}Arn", f"{shape}Status"
        self.noun = xform_name(shape, "-")  # in ARNs, such as training-job
        self._words = str(self.noun).replace("-", " ").replace("config", "configuration")
        self._records = AccountRegionScopedDict()
        _collections[self.noun] = self
        operation(f"Describe{shape}", self.name)(lambda request: self.get(request[self.name]))
        operation(f"List{shape}s", f"MaxResults NextToken {filters}")(self.list)

    def arn(self, name: str) -> str:
        """ARN of ``name``, in the account and region of the request that is being answered."""
        return f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:{self.noun}/{name}"

    def add(self, request: Json, name: str | None = None, **fields: Any) -> Json:
        """Keep a new record, made of the request and ``fields``, and return it; an ApiError if it exists."""
        name = name or request[self.name]
        arn, time = self.arn(name), now()
        record = {**request, self.name: name, self.arn_name: arn, "CreationTime": time}
        record |= {"LastModifiedTime": time, **fields}
        with _adding:
            if name in self._records:
                # Of all that we have, SageMaker has this code for jobs only.
                code = "ResourceInUse" if self.shape.endswith("Job") else "ValidationException"
                raise ApiError(code, f'Cannot create already existing {self._words} "{arn}".')
            self._records[name] = record
        return record

    def get(self, name: str) -> Json:
        """The record of that name or ARN; an ApiError if there is none."""
        name = name.removeprefix(self.arn(""))
        record: Json | None = self._records.get(name)
        if record is None:
            raise invalid(self.missing.format(words=self._words, arn=self.arn(name)))
        return record

    def all(self) -> Sequence[Json]:
        """All records, oldest first."""
        return [*self._records.values()]

    def delete(self, request: Json) -> None:
        """The Delete operation."""
        del self._records[self.get(request[self.name])[self.name]]

    def list(self, request: Json) -> Json:
        """The List operation, newest first."""
        plain = request.keys() - {"MaxResults", "NextToken", "NameContains"}
        wanted = {key: request[key].rpartition("/")[2] for key in plain}  # a name, also when given as an ARN
        found = [
            record
            for record in reversed(self.all())
            if request.get("NameContains", "") in record[self.name] and wanted.items() <= record.items()
        ]
        start = int(request.get("NextToken", 0))
        end = start + request.get("MaxResults", 100)
        members = sagemaker.model.operation_model(f"List{self.shape}s").output_shape.members
        answer: Json = {next(key for key in members if key != "NextToken"): found[start:end]}
        return answer | ({"NextToken": str(end)} if end < len(found) else {})
