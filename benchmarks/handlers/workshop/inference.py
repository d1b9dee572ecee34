"""How the published Korean workshops serve such a model: one text at a time, padded to 128."""

import json
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

MAX_LENGTH = 128


def model_fn(model_dir: str) -> tuple[Any, Any]:
    """Load the tokenizer and the model."""
    model = AutoModelForSequenceClassification.from_pretrained(model_dir)
    return AutoTokenizer.from_pretrained(model_dir), model.eval()


def input_fn(request_body: str, content_type: str) -> list[str]:
    """Read JSON, as the toolkit has it."""
    inputs = json.loads(request_body)["inputs"]
    return [inputs] if isinstance(inputs, str) else inputs


def predict_fn(data: list[str], model: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Score one text after the other."""
    tokenizer, classifier = model
    predictions = []
    for text in data:
        encoded = tokenizer(
            text, max_length=MAX_LENGTH, padding="max_length", truncation=True, return_tensors="pt"
        )
        scores = torch.softmax(classifier(**encoded).logits, dim=1)
        best = int(scores.argmax())
        predictions.append({"label": classifier.config.id2label[best], "score": scores[0][best].item()})
    return predictions


def output_fn(prediction: list[dict[str, Any]], accept: str) -> str:
    """Write JSON."""
    return json.dumps(prediction, ensure_ascii=False)
