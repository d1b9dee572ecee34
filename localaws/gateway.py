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

from localaws import children

# A job's folder stands for /opt/ml in shell command lines, so its path must mean nothing to a shell.
SAFE_PATH = re.compile(r"[\w./-]+")


def main(root: Path, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then end with every child."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        sys.exit(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another --port (0: any free one)"
        )
    port = listener.getsockname()[1]
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        DOCKER_HOST="unix:///nonexistent",  # or ministack removes containers of its own
    )
    if SAFE_PATH.fullmatch(str(root)):
        jobs = root / "jobs"
        _serve(root, listener, port, jobs)
    else:
        with tempfile.TemporaryDirectory(prefix="localaws-jobs-") as folder:
            _serve(root, listener, port, Path(folder))


def _serve(root: Path, listener: socket.socket, port: int, jobs: Path) -> None:
    # ministack reads its environment when it is imported.
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from hypercorn.typing import ASGIFramework
    from ministack import app

    from localaws import aws, plugins

    url = f"http://127.0.0.1:{port}"
    os.environ["MINISTACK_REGION"] = aws.REGION
    aws.set_url(url)
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
        (root / "address.new").write_text(url)
        (root / "address.new").rename(root / "address")
        await serve(cast(ASGIFramework, app.app), config, shutdown_trigger=stop.wait)

    try:
        asyncio.run(run())
    finally:
        children.stop_all()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
    # ministack's worker threads may wait for children that are gone; nothing is left to do for them.
    sys.stdout.flush()
    os._exit(0)
