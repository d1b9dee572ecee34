"""The process behind an endpoint: an archive's ``code/inference.py`` over HTTP, by Hugging Face's rules.

Started as ``model_server.py MODEL_DIR ADDRESS_FILE``. It answers ``GET /ping`` with 200 once the model is
loaded, and ``POST /invocations`` as the toolkit's server does, whose workers are threads here. It stands
alone, as the container does: it imports nothing of this package.
https://github.com/aws/sagemaker-huggingface-inference-toolkit (handler_service.py)
https://github.com/awslabs/multi-model-server (mms/context.py)
"""

import importlib.util
import inspect
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

JSON = "application/json"
DECODED = (JSON, "text/csv")  # exactly these arrive at the handlers as text, everything else as bytes
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")  # of these no body arrives
# The handlers, and how many arguments each may take; the last of them is the context.
HANDLERS = {"model_fn": 2, "input_fn": 3, "predict_fn": 3, "output_fn": 3}
MOST_BYTES = 6_553_500  # of a request, if SAGEMAKER_MAX_PAYLOAD_IN_MB does not say


class Context:
    """What the handlers may read of a request and set of its response, as far as localaws has it."""

    def __init__(self, model_dir: Path, headers: Message | None = None) -> None:
        """Stand for a request with these headers, or for none while the model is loaded."""
        self.system_properties = {"model_dir": str(model_dir), "gpu_id": None, "batch_size": 1}
        self._asked = dict(headers.items()) if headers else {}
        self.answer: dict[str, str] = {}
        self.status = 200

    def get_request_header(self, idx: int, key: str) -> str | None:
        """A header of the request, by its name as the client spelt it."""
        return self.get_all_request_header(idx).get(key)

    def get_all_request_header(self, idx: int) -> dict[str, str]:
        """All of them."""
        return [self._asked][idx]

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """Answer with another status; ``phrase`` is not sent."""
        self.status = code

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Add a header to the response."""
        [self.answer][idx][key] = value

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Set what the toolkit itself sets, to Accept, after the handlers have run."""
        self.set_response_header(idx, "content-type", value)


class Model:
    """A loaded archive."""

    def __init__(self, model_dir: Path) -> None:
        """Import the handlers and load the model."""
        file = model_dir / "code" / os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
        if not file.is_file():
            raise ValueError(
                f"model.tar.gz has no code/{file.name}; localaws serves the archive's own handlers"
            )
        sys.path.insert(0, str(file.parent))
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[file.stem] = module
        spec.loader.exec_module(module)
        if missing := [name for name in HANDLERS if not hasattr(module, name)]:
            raise ValueError(
                f"code/{file.name} has no {', '.join(missing)}; localaws has no default handlers"
            )
        if hasattr(module, "transform_fn"):
            raise ValueError(
                f"code/{file.name} has a transform_fn; localaws calls {', '.join(HANDLERS)} only"
            )
        self._dir = model_dir
        load, self._input, self._predict, self._output = (
            _taking_context(getattr(module, name), most) for name, most in HANDLERS.items()
        )
        self._model = load(Context(model_dir), str(model_dir))

    def answer(self, body: Any, headers: Message) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the response."""
        context = Context(self._dir, headers)
        content_type, accept = headers.get("Content-Type"), headers.get("Accept")
        accept = JSON if accept in (None, "", "*/*") else accept
        try:
            if (content_type or "").partition(";")[0] in FORMS:
                body = None
            elif content_type in DECODED:
                body = body.decode("utf-8")
            data = self._input(context, body, content_type)
            answer = self._output(context, self._predict(context, data, self._model), accept)
        except Exception as error:
            traceback.print_exc()
            # The toolkit turns every error of a handler into this answer.
            failure = {"code": 400, "type": "InternalServerException", "message": str(error)}
            return 400, {"Content-Type": JSON}, json.dumps(failure, ensure_ascii=False).encode()
        context.set_response_content_type(0, accept)
        if not isinstance(answer, str | bytes | bytearray):
            answer = json.dumps(answer, indent=2)
        # Of two names that differ in case only, the server sends the one that a handler set.
        sent = {name.title(): value for name, value in reversed(context.answer.items())}
        return context.status, sent, answer.encode() if isinstance(answer, str) else bytes(answer)


def _taking_context(handler: Callable[..., Any], most: int) -> Callable[..., Any]:
    """The handler, called with a context first, which it is given last if it takes so many arguments."""
    takes = len(inspect.signature(handler).parameters)
    if takes not in (most - 1, most):
        raise TypeError(f"{handler.__name__} takes {takes} arguments; it must be {most - 1} or {most}")
    return lambda context, *given: handler(*given, context) if takes == most else handler(*given)


class Handler(BaseHTTPRequestHandler):
    """Speaks for the model, once it is loaded."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or the body waits for the headers to be acknowledged (40 ms)
    model: Model | None = None

    def do_GET(self) -> None:
        """Answer /ping."""
        self._send(404 if self.path != "/ping" else 200 if Handler.model else 503, {}, b"")

    def do_POST(self) -> None:
        """Answer /invocations."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        megabytes = int(os.environ.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", 0))
        if self.path != "/invocations" or Handler.model is None:
            self._send(404 if Handler.model else 503, {}, b"")
        elif len(body) > (megabytes * 2**20 or MOST_BYTES):
            self._send(413, {}, b"")
        else:
            self._send(*Handler.model.answer(body, self.headers))

    def log_message(self, format: str, *args: Any) -> None:
        """Leave requests out of the log, as /ping would fill it."""

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
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
    Handler.model = Model(model_dir)
    print(f"model loaded from {model_dir}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
