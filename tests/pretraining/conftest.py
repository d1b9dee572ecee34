from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from pretraining.electra import Shape
from pretraining.tokenizer import MAX_LENGTH, SPECIAL, alphabet, build, learn

ROOT = Path(__file__).resolve().parents[2]
PIECES = 2 * len(alphabet()) + 500


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors as small as these are no work to share: threads would wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def reviews() -> list[str]:
    lines = (ROOT / "data" / "reviews" / "reviews.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[1] for line in lines[1:]]


@pytest.fixture(scope="session")
def texts(reviews: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "reviews.txt"
    path.write_text("\n".join(reviews[:600]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tokenizer(reviews: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tokenizer that learnt from the bundled reviews."""
    folder = tmp_path_factory.mktemp("tokenizer")
    PreTrainedTokenizerFast(
        tokenizer_object=build(learn(reviews, PIECES)), model_max_length=MAX_LENGTH, **SPECIAL
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def small() -> Shape:
    return Shape(PIECES, embedding=16, hidden=32, layers=1, heads=2, intermediate=64)
