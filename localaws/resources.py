"""What all SageMaker resources share: kept by name, with an ARN and tags; described, listed, deleted."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from localaws.api import Answer, ApiError, Request, invalid, model, operation, takes

Record = dict[str, Any]

_adding = threading.Lock()
_tags = AccountRegionScopedDict()  # ARN → {key: value}


def now() -> datetime:
    """The time, as records keep it."""
    return datetime.now(UTC)


def arn(noun: str, name: str) -> str:
    """ARN of the resource ``name``, in the account and region of the request that is being answered."""
    return f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:{noun}/{name}"


class Collection:
    """All resources of one type. Making it registers the type's Describe and List operations.

    A record holds the members of the Create request and those of the Describe answer, under AWS's names.
    """

    def __init__(
        self, noun: str, shape: str, missing: str, exists: str, exists_code: str | None = None
    ) -> None:
        """Name the type as AWS does.

        Args:
            noun: in ARNs, such as ``training-job``.
            shape: in the model, such as ``TrainingJob``.
            missing: message for a name that there is not; ``{name}`` and ``{arn}`` are filled in.
            exists: message for a name that there is already.
            exists_code: its code, where it is not ValidationException.
        """
        self.noun, self.shape, self.missing, self.exists = noun, shape, missing, exists
        self.exists_code = exists_code or "ValidationException"
        self.name = f"{shape}Name"
        self._records = AccountRegionScopedDict()
        operation(f"Describe{shape}", takes(self.name))(
            lambda request: self.describe(self.get(request[self.name]))
        )
        listing = takes("MaxResults NextToken SortBy SortOrder NameContains StatusEquals")
        operation(f"List{shape}s", listing)(lambda request: self.list(request))

    def add(self, request: Request, name: str | None = None, **fields: Any) -> Record:
        """Keep a new record, made of the request and ``fields``, and return it.

        Raises:
            ApiError: there is one of that name.
        """
        name = name or request[self.name]
        identifier = arn(self.noun, name)
        record = {**request, self.name: name, f"{self.shape}Arn": identifier, "CreationTime": now()}
        record |= {"LastModifiedTime": now(), **fields}
        with _adding:
            if name in self._records:
                raise ApiError(self.exists_code, self.exists.format(arn=identifier, name=name))
            self._records[name] = record
        _tags[identifier] = {}
        _tag(identifier, record.pop("Tags", []))
        return record

    def get(self, name: str) -> Record:
        """The record of that name or ARN.

        Raises:
            ApiError: there is none.
        """
        name = name.removeprefix(arn(self.noun, ""))
        record: Record | None = self._records.get(name)
        if record is None:
            raise invalid(self.missing.format(name=name, arn=arn(self.noun, name)))
        return record

    def remove(self, record: Record) -> Answer:
        """Forget the record and its tags; returns a Delete operation's empty answer."""
        del self._records[record[self.name]]
        _tags.pop(record[f"{self.shape}Arn"], None)
        return {}

    def describe(self, record: Record) -> Answer:
        """What Describe answers: those of the record's members that the model has there."""
        return _members(record, model().operation_model(f"Describe{self.shape}").output_shape)

    def list(self, request: Request, where: Callable[[Record], bool] = lambda record: True) -> Answer:
        """What List answers, newest first unless asked otherwise.

        Args:
            request: of the List operation.
            where: filters by what only this type has.
        """
        output = model().operation_model(f"List{self.shape}s").output_shape
        [member] = [key for key in output.members if key != "NextToken"]
        order = {"CreationTime": "CreationTime", "Name": self.name}
        if request.get("SortBy", "Name") not in order:
            raise invalid(
                f"localaws does not implement SortBy={request['SortBy']} of sagemaker:List{self.shape}s"
            )
        status = request.get("StatusEquals")
        found = [
            record
            for record in self._records.values()
            if request.get("NameContains", "") in record[self.name]
            and status in (None, record.get(f"{self.shape}Status"))
            and where(record)
        ]
        found.sort(key=lambda record: record[order[request.get("SortBy", "CreationTime")]])
        if request.get("SortOrder", "Descending") == "Descending":
            found.reverse()
        start = int(request.get("NextToken", 0))
        end = start + request.get("MaxResults", 100)
        page = [_members(record, output.members[member].member) for record in found[start:end]]
        return {member: page, **({"NextToken": str(end)} if end < len(found) else {})}


def _members(record: Record, shape: Any) -> Answer:
    # A copy first: a job's supervisor may be changing the record.
    return {key: value for key, value in dict(record).items() if key in shape.members}


def _tag(resource: str, tags: list[dict[str, str]]) -> Answer:
    if resource not in _tags:
        raise invalid(f"Could not find resource {resource}")
    _tags[resource].update({item["Key"]: item["Value"] for item in tags})
    return {"Tags": [{"Key": key, "Value": value} for key, value in _tags[resource].items()]}


@operation("AddTags", takes("ResourceArn Tags"))
def add_tags(request: Request) -> Answer:
    """sagemaker:AddTags."""
    return _tag(request["ResourceArn"], request["Tags"])


@operation("ListTags", takes("ResourceArn"))
def list_tags(request: Request) -> Answer:
    """sagemaker:ListTags."""
    return _tag(request["ResourceArn"], [])
