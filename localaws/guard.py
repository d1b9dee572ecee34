"""Runs one command and takes everything that it started down with it.

Usage: ``guard.py LIFELINE COMMAND [ARGUMENT ...]``. LIFELINE is the reading end of a pipe whose writing end
only the process that wants the command holds. When that process goes, even by SIGKILL, the pipe reaches its
end and the guard kills the command. The exit status is the command's (128 + N when signal N ended it).

It stands alone: it imports nothing but the standard library, so it starts in a few milliseconds.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path


def descendants(root: int) -> list[int]:
    """Process ids below ``root``, by /proc; none without it (signalling the command is all we have then)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def kill_all(send: Callable[[int], None]) -> None:
    """Kill the command and, on Linux, all descendants, looking again for those that they are starting."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        send(signal.SIGKILL)
    while remaining := descendants(os.getpid()):
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def main() -> int:
    """Run the command until it ends or the lifeline does; see the module's description."""
    lifeline, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":  # PR_SET_CHILD_SUBREAPER: get the descendants whose own parent ends
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    # In a session of our own, the command gets a process group to be signalled by. Otherwise it stays in the
    # terminal's foreground group, and Ctrl-C and the keyboard reach it.
    group = os.getsid(0) == os.getpid()
    asked: list[int] = []  # to stop, before there was a command to tell
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    signal.signal(signal.SIGINT, lambda *_: None)  # a handler, unlike SIG_IGN, is not inherited
    try:
        child = subprocess.Popen(command, process_group=0 if group else None)
    except OSError as error:
        print(f"localaws: cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return 127

    def send(number: int) -> None:
        if group:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)

    def watch() -> None:
        os.read(lifeline, 1)
        kill_all(send)

    signal.signal(signal.SIGTERM, lambda *_: send(signal.SIGTERM))
    if asked:
        send(signal.SIGTERM)
    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    kill_all(send)
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main())
