"""Faults on order: what a state of a state machine meets in place of what it calls.

``LocalAws.inject`` adds one, by an HTTP request to a path of our own. Four kinds of it:

``{"error": "ThrottlingException", "status": 400, "message": "Rate exceeded"}``: the call is answered so
``{"job": "fail", "reason": "CapacityError: …"}``: the job starts, and ends Failed for that reason
``{"job": "stop"}``: the job starts, and is stopped by somebody else
``{"timeout": true}``: the call, or the job, takes longer than the state allows

each with ``machine`` and ``state``, whose it is, and ``times``, how often (for ever without it). ``met`` is
how often it was met.
"""

import json
import threading
from typing import Any

from localaws.api import HttpAnswer, Json

PATH = "/_localaws/faults"

_faults: list[Json] = []
_lock = threading.Lock()


async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> HttpAnswer:
    """POST adds a fault, DELETE removes all, GET tells those that are left."""
    with _lock:
        if method == "POST":
            _faults.append(json.loads(body))
        elif method == "DELETE":
            _faults.clear()
        return 200, {"Content-Type": "application/json"}, json.dumps(_faults).encode()


def due(machine: str, state: str) -> Json | None:
    """The fault that this attempt of the state meets, if any; it counts as met."""
    with _lock:
        for fault in _faults:
            if (fault["machine"], fault["state"]) == (machine, state) and fault.get("times", 1) > 0:
                if "times" in fault:
                    fault["times"] -= 1
                fault["met"] = fault.get("met", 0) + 1
                return dict(fault)
    return None
