"""The model behind the endpoint: the four handlers of the Hugging Face inference toolkit.

What goes wrong is returned from one handler to the next, as a RequestError, and written by the last: the
toolkit makes a 400 of every exception.
https://github.com/aws/sagemaker-huggingface-inference-toolkit#-user-defined-codemodules
"""

import logging
import math
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from classifier import Classifier, Runtime, Scores
from parameters import Parameters
from reading import JSON, Request, read
from refusals import RequestError
from texts import MOST_TEXTS
from writing import Answers, Label, write

logger = logging.getLogger(__name__)

# NVIDIA's driver puts it into every container that has a GPU; to ask PyTorch takes seconds.
_GPU = Path("/dev/nvidiactl")

# SageMaker waits a minute for an answer. What goes on after that keeps others waiting.
_SECONDS = 50

# Of an answer: the server's max_response_size, above which it takes the worker for broken.
_MOST_BYTES = 6_553_500


def model_fn(model_dir: str) -> Classifier:
    """Load the extracted model archive in `model_dir`; nothing is ever fetched from the Hub.

    Raises:
        OSError: the archive lacks a part of a model.
        ValueError: the environment variable BAD_LINES has another value than `report` or `fail`.
    """
    _bad_lines_fail()
    return Classifier(Path(model_dir), _runtime(Path(model_dir)))


def _runtime(model_dir: Path) -> Runtime:
    """Load an optimised model by ONNX Runtime, on a CPU, and every other by PyTorch."""
    if (model_dir / "model.onnx").is_file() and not _GPU.exists():
        vendor = str(model_dir / "code" / "vendor")
        sys.path.insert(0, vendor)
        try:
            import onnx_runtime

            return onnx_runtime.load(model_dir)
        except ImportError:
            logger.exception("onnxruntime cannot be imported: PyTorch serves the model, slower")
        finally:
            sys.path.remove(vendor)
    import torch_runtime

    return torch_runtime.load(model_dir)


def input_fn(
    request_body: str | bytes | bytearray | None, content_type: str | None
) -> Request | RequestError:
    """Read a request, of the forms that reading.py has."""
    try:
        request = read(request_body, content_type, None if _in_batch() else MOST_TEXTS)
        _stop_at_error(request.kind, request.texts)
        return request
    except RequestError as error:
        return error.bare()
    except Exception:
        return _our_fault()


def predict_fn(
    data: Request | RequestError, model: Classifier, context: object = None
) -> Answers | RequestError:
    """Score the texts of a request; with the toolkit's `context`, in the time that a server has for it."""
    if isinstance(data, RequestError):
        return data
    deadline = math.inf if context is None or _in_batch() else time.monotonic() + _SECONDS
    try:
        texts = [text for text in data.texts if not isinstance(text, RequestError)]
        scores = iter(model.classify(texts, deadline))
        answers = [
            text if isinstance(text, RequestError) else _answer(next(scores), model.labels, text.parameters)
            for text in data.texts
        ]
        _stop_at_error(data.kind, answers)
        return Answers(data.kind, answers, data.alone)
    except RequestError as error:
        return error.bare()
    except Exception:
        return _our_fault()


def output_fn(prediction: Answers | RequestError, accept: str, context: Any = None) -> str:
    """Write the answer; its media type, and the status of an error, go to the toolkit's `context`.

    Raises:
        RequestError: it is an error, and there is no context.
    """
    if context is None:
        return _written(prediction, accept)[0]
    try:
        body, kind = _written(prediction, _accepted(context))
        if (size := len(body.encode())) > _MOST_BYTES:
            message = f"the answer would have {size} bytes, more than {_MOST_BYTES}; send fewer texts"
            raise RequestError(413, "answer_too_large", message, "body")
    except Exception as error:
        refusal = error.bare() if isinstance(error, RequestError) else _our_fault()
        context.set_response_status(code=refusal.status)
        body, kind = str(refusal), JSON
    context.set_response_header(0, "Content-Type", kind)
    # The toolkit would set it to Accept, as the client wrote it. Where that is long, or not ASCII, the server
    # cannot read the response, and ends the worker.
    context.set_response_content_type = lambda idx, value: None
    return body


def _accepted(context: Any) -> str | None:
    """Return what the client accepts, for which the toolkit has a default where it is left open."""
    headers = {name.lower(): value for name, value in context.get_all_request_header(0).items()}
    accept = headers.get("accept")
    return accept if isinstance(accept, str) else None  # a form's field may have that name


def _written(prediction: Answers | RequestError, accept: str | None) -> tuple[str, str]:
    if isinstance(prediction, RequestError):
        raise prediction
    return write(prediction, accept)


def _answer(
    scores: Scores | RequestError, labels: list[str], parameters: Parameters
) -> Label | list[Label] | RequestError:
    if isinstance(scores, RequestError):
        return scores
    if not parameters.ranked:
        best = int(scores.argmax())
        return {"label": labels[best], "score": float(scores[best])}
    ranked = [int(label) for label in (-scores).argsort(kind="stable")[: parameters.top_k]]
    return [
        {"label": labels[label], "score": float(scores[label])}
        for label in ranked
        if scores[label] >= parameters.threshold
    ]


def _in_batch() -> bool:
    """Return whether this is a batch transform, of which the owner limits payload and time."""
    return os.environ.get("SAGEMAKER_BATCH") == "true"


def _bad_lines_fail() -> bool:
    """Return whether one bad line fails its request; else it gets an error in its place."""
    value = os.environ.get("BAD_LINES", "report")
    if value not in ("report", "fail"):
        raise ValueError(f"BAD_LINES is {value!r}; set it to report or fail, or leave it out")
    return value == "fail"


def _stop_at_error(kind: str, items: Iterable[object]) -> None:
    if kind == JSON or _bad_lines_fail():
        for item in items:
            if isinstance(item, RequestError):
                raise item


def _our_fault() -> RequestError:
    logger.exception("a request failed")
    return RequestError(500, "internal_error", "the server failed; its log says why", "server")
