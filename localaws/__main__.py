"""The command: ``python -m localaws [--port N] [--root DIR] [-- COMMAND ...]``."""

import argparse
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import NoReturn

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
    parser.add_argument(
        "--root", type=Path, help="folder for logs and job folders (default: a temporary one)"
    )
    own, dashes, command = _split(sys.argv[1:])
    options = parser.parse_args(own)
    if dashes and not command:
        parser.error("a command is missing after --")
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        with LocalAws.start(options.root, options.port) as aws:
            if command:
                return _run(command, aws)
            print(
                f"The embedded AWS listens at {aws.url}\nIts log: {aws.root / 'localaws.log'}\n", flush=True
            )
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


def _split(arguments: list[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in arguments:
        return arguments, False, []
    at = arguments.index("--")
    return arguments[:at], True, arguments[at + 1 :]


def _run(command: list[str], aws: LocalAws) -> int:
    child = Child(command, env={**os.environ, **aws.env}, foreground=True)
    try:
        return child.wait()
    finally:
        child.stop()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
