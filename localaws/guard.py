"""Runs one command and takes everything that it started down with it.

Usage: ``guard.py LIFELINE COMMAND [ARGUMENT ...]``. LIFELINE is the reading end of a pipe whose writing end
only the process that wants the command holds. When that process goes, even by SIGKILL, the pipe reaches its
end and the guard kills the command. The exit status is the command's (128 + N when signal N ended it).

It stands alone: it imports nothing but the standard library, so it starts in a few milliseconds.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """On Linux, become the parent of every descendant whose own parent ends, so that none gets lost."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants() -> list[int]:
    """Process ids below this one, by /proc; none without it (the process group is all we have then)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    found, queue = [], [os.getpid()]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def kill_all(group: int) -> None:
    """Kill the command's process group and, on Linux, the descendants that left it for one of their own.

    A descendant may be starting others, so this looks again until none is left.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    while remaining := descendants():
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def main() -> int:
    """Run the command until it ends or the lifeline does; see the module's description."""
    lifeline, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(lifeline, False)
    adopt_orphans()
    child_ended, wake = os.pipe()
    # A handler must exist for set_wakeup_fd to write: SIGCHLD is ignored by default.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    terminal = sys.stdin is not None and sys.stdin.isatty()
    try:
        child = subprocess.Popen(command, process_group=0)
    except OSError as error:
        print(f"localaws: cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(child.pid, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if terminal:  # what a shell does for a foreground job: Ctrl-C and the keyboard go to the command
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, child.pid)
    while child.poll() is None:
        ready, _, _ = select.select([lifeline, child_ended], [], [], 1.0)
        if child_ended in ready:
            os.read(child_ended, 4096)
        if lifeline in ready:
            break
    kill_all(child.pid)
    status = child.wait()
    if terminal:
        os.tcsetpgrp(0, os.getpgrp())
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main())
