"""The command: ``python -m localaws [--port N] [--root DIR] [-- COMMAND ...]``."""

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from localaws.children import Child
from localaws.local_aws import LocalAws


def main() -> int:
    """Serve until Ctrl-C, or while a command runs; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m localaws",
        description="An AWS on 127.0.0.1. With a command: run it against that AWS, stop, return its status.",
        epilog="example: python -m localaws -- npx cdk deploy --all",
    )
    parser.add_argument("--port", type=int, default=0, help="port of 127.0.0.1 (default: any free one)")
    parser.add_argument("--root", type=Path, help="folder for logs and jobs (default: a temporary one)")
    parser.add_argument("command", nargs="*", help="after --, the command to run")
    options = parser.parse_args()
    # A script's background commands begin with it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    try:
        with LocalAws.start(options.root, options.port) as aws:
            if options.command:
                return _run(options.command, aws)
            print(f"The embedded AWS listens at {aws.url}\nIts log: {aws.root / 'localaws.log'}\n")
            for name, value in aws.env.items():
                print(f"export {name}={shlex.quote(value)}")
            print("\nCtrl-C stops it.", flush=True)
            aws.wait()
            print("The embedded AWS ended by itself; its log says why.", file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1


def _run(command: list[str], aws: LocalAws) -> int:
    child = Child(command, env={**os.environ, **aws.env}, foreground=True)
    try:
        return child.wait()
    except KeyboardInterrupt:  # which the command got, too: let it have its say
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)
        raise
    finally:
        child.stop()


if __name__ == "__main__":
    sys.exit(main())
