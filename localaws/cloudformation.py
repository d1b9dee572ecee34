"""How ministack's CloudFormation gets a resource type that it lacks, and loses nothing of one that it has."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError
from ministack.services.cloudformation import provisioners, stacks

from localaws.api import Json

Provisioned = tuple[str, Json]  # physical id (what Ref gives) and attributes

_blocking: set[str] = set()  # types whose handlers call this server, which must not wait for itself


def install() -> None:
    """Have the handlers of our types run on threads of their own."""
    theirs: Callable[[str], bool] = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda name: name in _blocking or theirs(name)


def add(
    resource_type: str,
    *,
    create: Callable[[str, Json, str], Provisioned],  # of logical id, properties and stack name
    update: Callable[[str, Json, Json], Provisioned],  # of physical id, old and new properties
    delete: Callable[[str, Json], None],  # of physical id and properties
    replacing: tuple[str, ...],
    tags: str | None = "Tags",
) -> None:
    """Add a type: what changes of ``replacing`` properties replace; ``tags`` gets those of the stack, too."""
    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": create,
        "update": lambda physical_id, old, new, stack_name: update(physical_id, old, new),
        "delete": delete,
    }
    provisioners._REPLACING_PROPERTIES[resource_type] = replacing
    if tags:
        provisioners._STACK_TAG_PROPERTY[resource_type] = (tags, "list")
    _blocking.add(resource_type)


def mend(resource_type: str, known: str, after: Callable[[str, Json, Json], Json | None]) -> None:
    """Have ``after`` do what ministack leaves undone of a type, and refuse properties that are not ``known``.

    ``name=value`` is known with that value only. ``after`` gets the physical id, the old properties (none
    when the resource is new), and the new ones; it may return attributes more.
    """
    theirs = provisioners._RESOURCE_HANDLERS[resource_type]

    only = dict(word.partition("=")[::2] for word in known.split())

    def check(properties: Json) -> None:
        for name, value in properties.items():
            if name not in only or only[name] not in ("", value):
                raise ValueError(f"localaws does not implement {name} {value!r} of {resource_type}")

    def create(logical_id: str, properties: Json, stack_name: str) -> Provisioned:
        check(properties)
        name, attributes = theirs["create"](logical_id, properties, stack_name)
        try:
            return name, attributes | (after(name, {}, properties) or {})
        except Exception:
            theirs["delete"](name, properties)
            raise

    def update(physical_id: str, old: Json, new: Json, *more: Any) -> Provisioned:
        check(new)
        name, attributes = theirs["update"](physical_id, old, new, *more)
        return name, attributes | (after(name, old if name == physical_id else {}, new) or {})

    provisioners._RESOURCE_HANDLERS[resource_type] = {**theirs, "create": create, "update": update}
    _blocking.add(resource_type)


def tag_changes(old: list[Json], new: list[Json]) -> tuple[list[Json], list[str]]:
    """The tags to set, and the keys to remove, to come from ``old`` tags to ``new`` ones."""
    keys = {tag["Key"] for tag in new}
    return [tag for tag in new if tag not in old], [tag["Key"] for tag in old if tag["Key"] not in keys]


@contextmanager
def unless_gone(code: str) -> Iterator[None]:
    """Pass over the error ``code``, which says that there is nothing to delete."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
