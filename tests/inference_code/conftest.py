"""A tiny model behind the handlers."""

from pathlib import Path
from typing import Any

import pytest
import torch

from classifier import Classifier
from inference import model_fn
from tests.training_code import tiny_model

# More threads than one only get in each other's way on a model this small.
torch.set_num_threads(1)

LABELS = ["부정", "긍정"]


class Context:
    """What the toolkit gives the handlers, as far as they use it."""

    def __init__(self, **headers: Any) -> None:
        self.headers = headers
        self.sent: dict[str, str] = {}
        self.status = 200

    def get_all_request_header(self, idx: int) -> dict[str, Any]:
        return {"body": {"content-type": "of a form's field"}, **self.headers}

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        self.status = code

    def set_response_content_type(self, idx: int, value: str) -> None:
        self.set_response_header(idx, "content-type", value)

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        self.sent[key] = value


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extracted model archive as train.py writes it; not to be written to."""
    folder = tmp_path_factory.mktemp("model")
    tiny_model.write_classifier(folder, LABELS)
    return folder


@pytest.fixture(scope="session")
def classifier(folder: Path) -> Classifier:
    return model_fn(str(folder))
