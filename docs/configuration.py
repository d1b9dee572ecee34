"""Writes `docs/configuration.md`: every setting, from the model in `stacks/settings.py`, and every rule.

`python -m docs.configuration` does. A test keeps the page current.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from stacks import data_settings, settings
from stacks.settings_file import SettingsError, load

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "configuration.md"

Json = dict[str, Any]

_TRAIN = ROOT / "training_code" / "hyperparameters.py"
_HEAD = """\
# Configuration

Made from [stacks/settings.py](../stacks/settings.py) and [stacks/rules.py](../stacks/rules.py) by
`python -m docs.configuration`: do not edit.

All that is particular to an environment stands in `config/<environment>.yaml`; another environment is
another file. What has a default may be left out. A wrong file stops the synthesis with one line for each
thing that is wrong: the file, the field, its value, and what is allowed."""
_RULES = """\
## What is refused

Beside the limits above: what AWS would refuse in the middle of a deployment, or a job or an endpoint would
only find out when it runs. On the left what stands in the file, on the right what the synthesis says of it
after the file's name.

| In the file | What the synthesis says |
| --- | --- |"""

_BASE = {"environment": "dev", "owner": "nlp-team", "cost_centre": "nlp-dev"}
_NETWORK = "network: {}\ntraining: {base_checkpoint: {s3_prefix: koelectra}}\n"
_HUB = "hub: {model_id: someone/koelectra, revision: 0123456789abcdef0123456789abcdef01234567}"
_MLFLOW = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/nlp"
WRONG = [
    "enviroment: dev",
    "environment: Dev",
    "owner: R&D",
    "account: '1234'",
    "region: us-gov-west-1",
    "notification_emails: [nlp]",
    "notification_emails: [a@example.com, a@example.com]",
    f"notification_emails: [{', '.join(f'{name}@b.kr' for name in 'abcdefghijk')}]",
    "network: {cidr: 8.8.8.0/24}",
    "network: {}",
    f"{_NETWORK}serving: {{{_HUB}}}",
    f"{_NETWORK}serving: {{serverless: {{}}}}",
    "images: {training: 4.0.0}",
    "images: {inference: 4.0.0}",
    "images: {training: 4.49.0, inference: 5.5.3}",
    "images: {training: 5.3.0, inference: 5.5.3}",
    "data: {label_column: document}",
    "data: {text_pair_column: label}",
    "data: {label_separator: ''}",
    "data: {label_separator: ;, labels: {연기;음악: both, 이야기: story}}",
    "data: {labels: {yes: positive, no: negative}}",
    "data: {labels: {0: negative, 1: negative}}",
    "data: {labels: {0: negative, 1: very=positive}}",
    "data: {labels: {0: bad, 1: middling, 2: good}, min_label_share: 0.4}",
    "training: {base_checkpoint: {s3_prefix: a/b}}",
    "training: {instance_type: ml.p9.huge}",
    "training: {hyperparameters: {bf16: true}}",
    "training: {spot: true}",
    "training: {spot: true, max_wait_seconds: 3600}",
    "training: {spot: true, max_wait_seconds: 28800, checkpoints: false}",
    "training: {max_wait_seconds: 28800}",
    "training: {spot: true, max_wait_seconds: 28800, keep_alive_seconds: 600}",
    "training: {instance_type: ml.g5.xlarge, fallback_instance_types: [ml.p3.2xlarge],"
    " hyperparameters: {bf16: true}}",
    "training: {schedule: {expression: every sunday}}",
    "training: {schedule: {expression: rate(7 days), timezone: Seoul}}",
    "serving: {batch: {schedule: {expression: rate(1 moment)}}}",
    "serving: {batch: {on_arrival: often}}",
    "training: {mlflow_tracking_server_arn: mlflow}",
    f"region: ap-northeast-2\ntraining: {{mlflow_tracking_server_arn: {_MLFLOW}}}",
    f"account: '111122223333'\ntraining: {{mlflow_tracking_server_arn: {_MLFLOW}}}",
    "network: {}\ntraining: {base_checkpoint: {s3_prefix: koelectra},"
    f" mlflow_tracking_server_arn: {_MLFLOW}}}",
    "processing: {instance_type: ml.g5.xlarge}",
    f"serving: {{realtime: null, batch: null, {_HUB}}}",
    "serving: {hub: {model_id: someone/koelectra, revision: main}}",
    "serving: {data_capture_percent: 10, realtime: null}",
    "serving: {data_capture_percent: 10, serverless: {}}",
    "serving: {realtime: {min_instances: 2}}",
    "serving: {realtime: {canary_percent: 50}}",
    "serving: {realtime: {instance_type: ml.g5.xlarge}}",
    "serving: {processor: gpu, realtime: null, batch: null, serverless: {}}",
    "serving: {serverless: {memory_mb: 1000}}",
    "serving: {serverless: {provisioned_concurrency: 6}}",
    "serving: {serverless: {max_provisioned_concurrency: 3}}",
    "serving: {golden_sentences: [{text: 재미있다, label: good}]}",
    "serving: {golden_sentences: [{text: 재미있다, text_pair: 좋다, label: positive}]}",
    "data: {text_pair_column: 가설}\nserving: {golden_sentences: [{text: 재미있다, label: positive}]}",
]
"""Wrong files, each without the three fields that every file has: one for every rule."""


def page() -> str:
    """The page about the settings as they are."""
    refused = "\n".join(f"| {_lines(text)} | {_lines(says(text))} |" for text in WRONG)
    return "\n\n".join(
        [_HEAD, *_sections("", settings.Settings.model_json_schema()), f"{_RULES}\n{refused}\n"]
    )


def says(text: str) -> str:
    """What the synthesis says of a file with the YAML `text` in it, after the file's name.

    Raises:
        ValueError: nothing, since it is a right file.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dev.yaml"
        path.write_text(yaml.safe_dump(_BASE | yaml.safe_load(text), allow_unicode=True), encoding="utf-8")
        try:
            load(path)
        except SettingsError as error:
            return str(error).replace(f"{path}: ", "")
    raise ValueError(f"{text}: is not refused")


def _sections(path: str, schema: Json, whole: Json | None = None, optional: str = "") -> Iterator[str]:
    """The heading and table of a model, and those of the models in it."""
    whole = whole or schema
    described = _descriptions()[schema["title"]]
    rows, inner = [], []
    for name, field in schema["properties"].items():
        here = f"{path}.{name}".lstrip(".")
        variants = field.get("anyOf", [field])
        value = next(one for one in variants if one.get("type") != "null")
        if "$ref" in value:
            model = whole["$defs"][value["$ref"].rpartition("/")[2]]
            inner.append((here, model, _presence(field, model) if len(variants) > 1 else ""))
            continue
        default = f"`{_yaml(field['default'])}`" if "default" in field else "must be given"
        cells = (f"`{name}`", _type(value), default, _limits(value), described.get(name, ""))
        rows.append(f"| {' | '.join(cells)} |")
    title = f"## `{path}`" if path else "## At the top"
    about = " ".join(filter(None, [schema["description"].split("\n")[0], optional]))
    table = "\n".join(["| Field | Type | Default | Limits | |", "| --- | --- | --- | --- | --- |", *rows])
    yield f"{title}\n\n{about}" + (f"\n\n{table}" if rows else "")
    for here, model, presence in inner:
        yield from _sections(here, model, whole, presence)


def _presence(field: Json, model: Json) -> str:
    """Whether a section that may be `null` is there when the file has no word of it."""
    if field["default"]:
        return "There unless it is `null`."
    return (
        "Not there unless it is given."
        if model.get("required")
        else "Not there unless it is given; `{}` will do."
    )


def _type(value: Json) -> str:
    kinds = {
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "string": "text",
        "object": "text: text",
    }
    if value["type"] == "array":
        return "list of sections" if "$ref" in value["items"] else "list of texts"
    return kinds[value["type"]]


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _limits(value: Json) -> str:
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return ", ".join(f"{sign} {value[name]:,}" for name, sign in signs.items() if name in value)


@cache
def _descriptions() -> dict[str, dict[str, str]]:
    """Model → field → what stands under it; of a hyperparameter without, what train.py's help says."""
    models = {
        model.name: {
            field.target.id: _sentence(str(said.value.value))
            for field, said in pairwise(model.body)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
        }
        for module in (settings, data_settings)
        for model in ast.parse(inspect.getsource(module)).body
        if isinstance(model, ast.ClassDef)
    }
    for field in ast.walk(ast.parse(_TRAIN.read_text(encoding="utf-8"))):
        if isinstance(field, ast.AnnAssign) and isinstance(field.value, ast.Call):
            assert isinstance(field.target, ast.Name)
            (help_,) = (ast.literal_eval(one.value) for one in field.value.keywords if one.arg == "metadata")
            models["Hyperparameters"].setdefault(field.target.id, _sentence(help_["help"]))
    return models


def _sentence(text: str) -> str:
    """On one line, beginning and ending as a sentence does."""
    text = " ".join(text.split())
    text = re.sub(r"(?<![`(<])(https://\S+)", r"<\1>", text)
    return text[0].upper() + text[1:] + ("" if text.endswith((".", ">")) else ".")


def _lines(text: str) -> str:
    return "<br>".join(f"`{line}`" for line in text.splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
