"""What is answered in place of scores."""

import json
import reprlib


class RequestError(Exception):
    """A request, or one text of it, that gets no scores: a 4xx is the client's to mend, a 5xx is ours.

    As a text it is the JSON that the client gets.
    """

    def __init__(self, status: int, code: str, message: str, where: str) -> None:
        """`status` is HTTP's, `code` a name for programs; `message` says what to change.

        `where` names the place: `body`, `inputs[3].text`, `parameters.top_k`, `line 7`, `Content-Type`.
        """
        super().__init__(status, code, message, where)
        self.status = status
        self.code = code
        self.message = message
        self.where = where

    def __str__(self) -> str:
        """Return it as JSON."""
        return json.dumps(self.as_json(), ensure_ascii=False)

    def bare(self) -> "RequestError":
        """Return it without the frames that it was raised through, to be kept.

        They hold the request, and lead to those who hold the error: nothing of it all would be freed until
        the garbage collector's last generation, tens of megabytes a request.
        """
        self.__traceback__ = self.__context__ = None
        return self

    def within(self, place: str) -> "RequestError":
        """Return the same, where `place` is what was read as a body."""
        where = place if self.where == "body" else f"{place}, {self.where}"
        return RequestError(self.status, self.code, self.message, where)

    def as_json(self) -> dict[str, dict[str, str]]:
        """Return `{"error": {"code", "message", "where"}}`."""
        return {"error": {"code": self.code, "message": self.message, "where": self.where}}


# Of a value within values it shows some levels only: Python's own repr can run out of stack.
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 60


def shown(value: object) -> str:
    """Return what a client sent as it may be quoted in a message: short, and printable throughout."""
    return _REPR.repr(value)
