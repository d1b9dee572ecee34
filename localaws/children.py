"""Child processes that cannot outlive us: each runs under ``guard.py``."""

import contextlib
import os
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")

_alive: "weakref.WeakSet[Child]" = weakref.WeakSet()


class Child:
    """A guarded process. Everything that it starts dies with it, and all of it dies with us."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        output: int | None = subprocess.PIPE,
        foreground: bool = False,
    ) -> None:
        """Start ``command``.

        Args:
            command: program and arguments.
            env: its whole environment.
            cwd: its working directory; ours when None.
            output: where standard output and error go together, as in ``subprocess.Popen``.
            foreground: keep our terminal, standard input and output instead, as a shell's job does.
        """
        lifeline, self._hold = os.pipe()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", str(GUARD), str(lifeline), *command],
                env=dict(env),
                cwd=cwd,
                stdin=None if foreground else subprocess.DEVNULL,
                stdout=None if foreground else output,
                stderr=None if foreground else subprocess.STDOUT,
                pass_fds=[lifeline],
                start_new_session=not foreground,
            )
        except BaseException:
            os.close(self._hold)
            raise
        finally:
            os.close(lifeline)
        _alive.add(self)

    @property
    def output(self) -> int:
        """File descriptor from which the child's standard output and error can be read."""
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self.process.poll() is None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; returns the exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs after ``timeout`` seconds.
        """
        return self.process.wait(timeout)

    def terminate(self) -> None:
        """Ask the process group to end (SIGTERM)."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def kill(self) -> None:
        """End it and everything that it started, now (SIGKILL)."""
        if self._hold >= 0:
            os.close(self._hold)
            self._hold = -1

    def stop(self, grace: float = 5.0) -> int:
        """End it: SIGTERM, then SIGKILL after ``grace`` seconds. Returns the exit status."""
        self.terminate()
        try:
            self.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
        status = self.wait()
        self.kill()  # closes the lifeline
        return status

    def __del__(self) -> None:
        """Leave no process that nobody holds."""
        self.kill()


def stop_all() -> None:
    """Kill every child that still runs, all at once."""
    children = list(_alive)
    for child in children:
        child.kill()
    for child in children:
        child.wait()
