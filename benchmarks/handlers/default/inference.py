"""What SageMaker's Hugging Face inference toolkit does with an archive that has no code of its own.

Its load, preprocess, predict and postprocess without the server around them:
https://github.com/aws/sagemaker-huggingface-inference-toolkit/blob/main/src/sagemaker_huggingface_inference_toolkit/handler_service.py
"""

import json
from typing import Any

from transformers import Pipeline, pipeline


def model_fn(model_dir: str) -> Pipeline:
    """Load a pipeline."""
    return pipeline("text-classification", model=model_dir, tokenizer=model_dir, device=-1)


def input_fn(request_body: str, content_type: str) -> Any:
    """Read JSON."""
    return json.loads(request_body)


def predict_fn(data: dict[str, Any], model: Pipeline) -> Any:
    """Call the pipeline, which takes a list's texts one after the other."""
    inputs = data.pop("inputs", data)
    return model(inputs, **data.pop("parameters", {}))


def output_fn(prediction: Any, accept: str) -> str:
    """Write JSON."""
    return json.dumps(prediction, ensure_ascii=False, separators=(",", ":"))
