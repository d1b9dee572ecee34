"""Handlers that need no model: they call a text what it says."""

from pathlib import Path

ECHO = """
import json

def model_fn(model_dir):
    print("loading")

def input_fn(body, content_type):
    inputs = json.loads(body)["inputs"]
    return [inputs] if isinstance(inputs, str) else inputs

def predict_fn(data, model):
    return [{"label": text, "score": 1.0} for text in data]

def output_fn(prediction, accept):
    return json.dumps(prediction)
"""


def write(code: Path, source: str = ECHO) -> Path:
    """Write a model's folder `code`."""
    code.mkdir(parents=True)
    (code / "inference.py").write_text(source, encoding="utf-8")
    return code
