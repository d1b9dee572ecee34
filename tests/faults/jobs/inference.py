"""A model that gives every text the one label that it was made with."""

import json
from pathlib import Path


def model_fn(model_dir: str) -> str:
    return Path(model_dir, "label.txt").read_text(encoding="utf-8")


def input_fn(body: str, content_type: str) -> list[str]:
    if content_type == "application/jsonlines":
        return [str(json.loads(line)) for line in body.splitlines()]
    inputs = json.loads(body)["inputs"]
    return inputs if isinstance(inputs, list) else [inputs]


def predict_fn(data: list[str], model: str) -> list[dict[str, object]]:
    return [{"label": model, "score": 1.0} for _ in data]


def output_fn(prediction: list[dict[str, object]], accept: str) -> str:
    if accept == "application/jsonlines":
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in prediction)
    return json.dumps(prediction, ensure_ascii=False)
