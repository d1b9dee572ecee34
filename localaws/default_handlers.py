"""What the Hugging Face image serves with where a model brings no handlers: a pipeline, asked in JSON.

It is copied into the model's folder as ``code/inference.py``, so it imports nothing of this package.
https://github.com/aws/sagemaker-huggingface-inference-toolkit (handler_service.py, decoder_encoder.py)
"""

import json
import os
from typing import Any

from transformers import pipeline


def model_fn(model_dir: str) -> Any:
    """Load a pipeline for the task HF_TASK."""
    return pipeline(os.environ["HF_TASK"], model=model_dir, tokenizer=model_dir, device=-1)


def input_fn(body: Any, content_type: str) -> Any:
    """Read JSON; the image's own handlers take no other content type for text, CSV with a header apart."""
    if content_type != "application/json":
        raise ValueError(f"Content type {content_type} is not supported by this framework; send JSON")
    return json.loads(body)


def predict_fn(data: Any, model: Any) -> Any:
    """Ask the pipeline for ``inputs`` with ``parameters``, or for all of it."""
    inputs = data.pop("inputs", data)
    return model(inputs, **(data.pop("parameters", None) or {}))


def output_fn(prediction: Any, accept: str) -> str:
    """Write JSON; numbers of NumPy's and arrays have a tolist."""
    return json.dumps(
        prediction,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
        default=lambda value: value.tolist(),
    )
