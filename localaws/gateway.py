"""The server process: ministack with our plug-ins, on one port of 127.0.0.1.

``LocalAws.start`` starts it as ``python -m localaws.gateway ROOT PORT``; its address goes to ROOT/address.
"""

import asyncio
import os
import re
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import cast

# A job's folder stands for /opt/ml in shell command lines, so its path must mean nothing to a shell.
SAFE_PATH = re.compile(r"[\w./-]+", re.ASCII)


def serve(root: Path, listener: socket.socket, jobs: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    port = listener.getsockname()[1]
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        DOCKER_HOST="unix:///nonexistent",  # or ministack removes containers of its own
    )
    # ministack reads its environment when it is imported.
    import hypercorn.asyncio
    from hypercorn.config import Config
    from hypercorn.typing import ASGIFramework
    from ministack import app

    from localaws import plugins

    plugins.install(jobs)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.accesslog = None

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        listener.listen()  # from here on a client that connects is answered, if a little later
        (root / "address.new").write_text(f"http://127.0.0.1:{port}")
        (root / "address.new").rename(root / "address")
        await hypercorn.asyncio.serve(cast(ASGIFramework, app.app), config, shutdown_trigger=stop.wait)

    asyncio.run(run())


def main(root: Path, port: int) -> None:
    """Listen on the port, find a place for job folders, and serve."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        sys.exit(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another --port (0: any free one)"
        )
    if SAFE_PATH.fullmatch(str(root)):
        serve(root, listener, root / "jobs")
    else:  # and not below TMPDIR, whose path may mean something to a shell, too
        with tempfile.TemporaryDirectory(
            prefix="localaws-jobs-", dir="/tmp", ignore_cleanup_errors=True
        ) as jobs:
            serve(root, listener, Path(jobs))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
    # ministack's worker threads may wait for children; our guard ends those when we are gone.
    sys.stdout.flush()
    os._exit(0)
