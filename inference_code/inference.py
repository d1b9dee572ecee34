"""The model behind the endpoint: the four handlers of the Hugging Face inference toolkit.

A request is `{"inputs": "text"}` or `{"inputs": ["text", ...]}`; the answer is one `{"label", "score"}` a
text, in the order of the inputs.
https://github.com/aws/sagemaker-huggingface-inference-toolkit#-user-defined-codemodules
"""

import json
from dataclasses import dataclass
from typing import Any, TypedDict

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from normalisation import normalise

# Texts that go through the model at once: a request may hold thousands, memory does not.
BATCH_SIZE = 32

_EXAMPLE = 'A right request: {"inputs": ["정말 재미있어요", "시간이 아까웠다"]}'


class Request(TypedDict):
    """What `input_fn` makes of a request."""

    inputs: list[str]


class Prediction(TypedDict):
    """The answer for one text: the likeliest label's name and its probability."""

    label: str
    score: float


@dataclass(frozen=True)
class Classifier:
    """A loaded model archive."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    """Tokens a text is cut to: the length that the model was trained with."""


def model_fn(model_dir: str) -> Classifier:
    """Load the extracted model archive in `model_dir`; nothing is ever fetched from the Hub.

    Raises:
        OSError: the archive lacks the weights or the tokenizer.
    """
    tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True)
    # transformers 5 makes one up where there is none.
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise OSError(f"{model_dir} has no tokenizer")
    model = AutoModelForSequenceClassification.from_pretrained(
        model_dir, local_files_only=True, torch_dtype=torch.float32
    )
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    max_length = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    return Classifier(model, tokenizer, max_length)


def input_fn(request_body: str | bytes | bytearray, content_type: str | None) -> Request:
    """Read a request.

    Raises:
        ValueError: it is not JSON in UTF-8, or not of the shape above. The message says what and where.
    """
    media_type, *parameters = [part.strip().lower() for part in (content_type or "").split(";")]
    charsets = {
        part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")
    }
    if media_type != "application/json" or not charsets <= {"utf-8", "utf8"}:
        raise ValueError(
            f"Content-Type {content_type!r} is not supported; send application/json in UTF-8. {_EXAMPLE}"
        )
    try:
        text = request_body if isinstance(request_body, str) else request_body.decode("utf-8")
        body = json.loads(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"The request is not UTF-8 at byte {error.start}. {_EXAMPLE}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"The request is not JSON: {error}. {_EXAMPLE}") from error
    except RecursionError:
        raise ValueError(f"The request is nested too deep. {_EXAMPLE}") from None
    return {"inputs": _inputs(body)}


def _inputs(body: Any) -> list[str]:
    if not isinstance(body, dict) or "inputs" not in body:
        raise ValueError(f'The request has no field "inputs". {_EXAMPLE}')
    if unknown := sorted(body.keys() - {"inputs", "parameters"}):
        raise ValueError(f"The request has unknown fields: {', '.join(unknown)}. {_EXAMPLE}")
    parameters = body.get("parameters", {})
    if not isinstance(parameters, dict):
        raise ValueError(f'"parameters" must be an object, not {_json_type(parameters)}. {_EXAMPLE}')
    if parameters:
        raise ValueError(f'"parameters" are not supported: {", ".join(sorted(parameters))}. {_EXAMPLE}')
    inputs = body["inputs"]
    if isinstance(inputs, str):
        inputs = [inputs]
    if not isinstance(inputs, list):
        raise ValueError(f'"inputs" must be a text or a list of texts, not {_json_type(inputs)}. {_EXAMPLE}')
    for position, text in enumerate(inputs):
        if not isinstance(text, str):
            raise ValueError(f"inputs[{position}] must be a text, not {_json_type(text)}. {_EXAMPLE}")
        if not normalise(text):
            raise ValueError(f"inputs[{position}] has no visible character. {_EXAMPLE}")
    return inputs


def _json_type(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    return "null" if value is None else names.get(type(value), "an object")


def predict_fn(data: Request, model: Classifier) -> list[Prediction]:
    """Score the texts and return one prediction each, in their order.

    The texts run sorted by length, so that a batch is padded to its own longest and little else.
    """
    texts = [normalise(text) for text in data["inputs"]]
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    predictions: dict[int, Prediction] = {}
    for start in range(0, len(order), BATCH_SIZE):
        chosen = order[start : start + BATCH_SIZE]
        batch = model.tokenizer(
            [texts[index] for index in chosen],
            padding=True,
            truncation=True,
            max_length=model.max_length,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = model.model(**batch.to(model.model.device)).logits
        scores, labels = logits.float().softmax(dim=-1).max(dim=-1)
        for index, score, label in zip(chosen, scores.tolist(), labels.tolist(), strict=True):
            predictions[index] = {"label": model.model.config.id2label[label], "score": score}
    return [predictions[index] for index in range(len(texts))]


def output_fn(prediction: list[Prediction], accept: str) -> str:
    """Write the answer as JSON, Korean labels readable.

    Raises:
        ValueError: the caller accepts no JSON.
    """
    accepted = {item.partition(";")[0].strip().lower() for item in accept.split(",")}
    if not accepted & {"", "*/*", "application/*", "application/json"}:
        raise ValueError(f"Accept {accept!r} is not supported; the answer is application/json.")
    return json.dumps(prediction, ensure_ascii=False)
