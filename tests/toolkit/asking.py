"""Requests to a model server."""

import http.client
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Self

JSON = {"Content-Type": "application/json"}
GOOD = ('{"inputs": ["영화 정말 좋았어요", "음악 별로예요"]}'.encode(), JSON)
"""Body and headers of a request that must be answered."""


class Answer(NamedTuple):
    """A response."""

    status: int
    content_type: str
    body: bytes


Ask = Callable[[bytes, Mapping[str, str]], Answer]
"""What answers a body with headers."""


class Connection:
    """A connection to a model server, kept alive from request to request."""

    def __init__(self, port: int, timeout: float) -> None:
        """`timeout` is in seconds, for each wait."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def __enter__(self) -> Self:
        """Return the connection, which is opened by the first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._connection.close()

    def ask(self, body: bytes, headers: Iterable[tuple[str, str]]) -> Answer:
        """POST /invocations; OSError: there is no answer."""
        connection = self._connection
        try:
            connection.putrequest("POST", "/invocations", skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1"))
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.headers.get("Content-Type", ""), response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request opens another
            raise OSError(repr(error)) from error


def ask(port: int, body: bytes, headers: Mapping[str, str], timeout: float = 30) -> Answer:
    """POST /invocations on a connection of its own; OSError: there is no answer."""
    with Connection(port, timeout) as connection:
        return connection.ask(body, headers.items())
