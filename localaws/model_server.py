"""The process behind an endpoint: an archive's ``code/inference.py`` over HTTP, by Hugging Face's rules.

Started as ``model_server.py MODEL_DIR ADDRESS_FILE``. It answers ``GET /ping`` with 200 once the model is
loaded, and ``POST /invocations``. It stands alone, as the container does: it imports nothing of this package.
https://github.com/aws/sagemaker-huggingface-inference-toolkit
"""

import importlib.util
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

JSON = "application/json"
DECODED = (JSON, "text/csv")  # exactly these arrive at the handlers as text, everything else as bytes
HANDLERS = ("model_fn", "input_fn", "predict_fn", "output_fn")

Transform = Callable[[Any, str, str], Any]


def load(model_dir: Path) -> Transform:
    """Import the handlers, load the model, and return a function of body, content type and accept."""
    file = model_dir / "code" / os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
    if not file.is_file():
        raise ValueError(f"model.tar.gz has no code/{file.name}; localaws serves the archive's own handlers")
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    if missing := [name for name in HANDLERS if not hasattr(module, name)]:
        raise ValueError(f"code/{file.name} has no {', '.join(missing)}; localaws has no default handlers")
    if hasattr(module, "transform_fn"):
        raise ValueError(f"code/{file.name} has a transform_fn; localaws calls {', '.join(HANDLERS)} only")
    model_fn, input_fn, predict_fn, output_fn = (getattr(module, name) for name in HANDLERS)
    model = model_fn(str(model_dir))
    return lambda body, content_type, accept: output_fn(
        predict_fn(input_fn(body, content_type), model), accept
    )


class Handler(BaseHTTPRequestHandler):
    """Speaks for the model; ``transform`` is set once it is loaded."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or the body waits for the headers to be acknowledged (40 ms)
    transform: Transform | None = None

    def do_GET(self) -> None:
        """Answer /ping."""
        self._send(404 if self.path != "/ping" else 200 if Handler.transform else 503, JSON, b"{}")

    def do_POST(self) -> None:
        """Answer /invocations."""
        body: Any = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/invocations" or Handler.transform is None:
            self._send(404 if Handler.transform else 503, JSON, b"{}")
            return
        content_type, accept = self.headers.get("Content-Type", JSON), self.headers.get("Accept", JSON)
        accept = JSON if accept == "*/*" else accept
        try:
            body = body.decode("utf-8") if content_type in DECODED else body
            answer = Handler.transform(body, content_type, accept)
        except Exception as error:
            traceback.print_exc()
            # The toolkit turns every error of a handler into this answer.
            failure = {"code": 400, "type": "InternalServerException", "message": str(error)}
            self._send(400, JSON, json.dumps(failure, ensure_ascii=False).encode())
            return
        if isinstance(answer, tuple):  # a handler may return its content type beside the body
            answer, accept = answer
        if not isinstance(answer, str | bytes):
            answer = json.dumps(answer, ensure_ascii=False)
        self._send(200, accept, answer.encode() if isinstance(answer, str) else answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Leave requests out of the log, as /ping would fill it."""

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(model_dir: Path, address: Path) -> None:
    """Listen, tell the address, load the model, serve."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    new = address.with_suffix(".new")
    new.write_text(f"127.0.0.1:{server.server_port}")
    new.rename(address)
    Handler.transform = staticmethod(load(model_dir))
    print(f"model loaded from {model_dir}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
