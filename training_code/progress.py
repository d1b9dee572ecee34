"""A line now and then about what takes long."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_SECONDS = 2.0


def watched(items: Iterable[T], what: str) -> Iterator[T]:
    """Yield the items; whenever two seconds have passed, print `what`, and how many there were."""
    said = time.monotonic()
    for count, item in enumerate(items):
        if count % 1000 == 0 and (now := time.monotonic()) - said >= _SECONDS:
            print(f"{what}: {count:,} so far", flush=True)
            said = now
        yield item
