"""Child processes that cannot outlive us: each runs under ``guard.py``."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from localaws.guard import descendants

GUARD = Path(__file__).with_name("guard.py")


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
        """Start ``command``; its standard output and error go to ``output``, as in ``subprocess.Popen``.

        In the ``foreground``, it has our terminal, standard input and output instead, as a shell's job does.
        """
        lifeline, self._hold = os.pipe()
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
        os.close(lifeline)

    @property
    def output(self) -> int:
        """File descriptor from which the child's standard output and error can be read."""
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self.process.poll() is None

    def resident(self) -> int:
        """Bytes of memory that it and all that it started have resident, by /proc; 0 without it."""
        pages = 0
        for pid in descendants(self.process.pid):
            with contextlib.suppress(OSError):  # it has just ended
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, for ``timeout`` seconds (subprocess.TimeoutExpired); returns the exit status."""
        status = self.process.wait(timeout)
        self.kill()  # nothing is left of it: this closes the lifeline
        return status

    def kill(self) -> None:
        """End it and everything that it started, now (SIGKILL)."""
        if self._hold >= 0:
            os.close(self._hold)
            self._hold = -1

    def stop(self, grace: float = 5.0) -> int:
        """End it: SIGTERM, then SIGKILL after ``grace`` seconds. Returns the exit status."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(grace)
        self.kill()
        return self.wait()
