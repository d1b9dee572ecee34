import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, ElectraForPreTraining

from contract import UserError
from pretraining.checkpoint import MAX_BYTES, export, restore, save
from pretraining.electra import Electra, Shape, layout

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(small: Shape) -> Electra:
    torch.manual_seed(3)
    return Electra(small).eval()


@pytest.fixture(scope="module")
def exported(model: Electra, small: Shape, tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "new"
    export(model.discriminator, small, tokenizer, {"steps": 3}, folder)
    return folder


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    save(tmp_path / "new" / "checkpoint.pt", {"run": {"seed": 1}, "model": torch.ones(2)})
    state = restore(tmp_path / "new" / "checkpoint.pt", {"seed": 1}, CPU)
    assert state is not None
    assert state["model"].tolist() == [1, 1]


def test_without_a_checkpoint_there_is_nothing(tmp_path: Path) -> None:
    assert restore(tmp_path / "checkpoint.pt", {"seed": 1}, CPU) is None


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint.pt", {"run": {"seed": 1, "steps": 5}})
    with pytest.raises(UserError, match="of a run with another seed: remove it"):
        restore(tmp_path / "checkpoint.pt", {"seed": 2, "steps": 5}, CPU)


def test_the_folder_loads_as_a_classifier_with_every_weight(exported: Path) -> None:
    _, loading = AutoModelForSequenceClassification.from_pretrained(exported, output_loading_info=True)
    assert {name.split(".")[0] for name in loading["missing_keys"]} == {"classifier"}


def test_what_is_loaded_judges_as_what_was_trained(model: Electra, exported: Path, tokenizer: Path) -> None:
    loaded = ElectraForPreTraining.from_pretrained(exported, torch_dtype=torch.float32).eval()
    batch = AutoTokenizer.from_pretrained(exported)(["재미있어요 ㅋㅋ"], return_tensors="pt")
    with torch.inference_mode():
        ours = model.discriminator(batch["input_ids"], *layout(batch["input_ids"]))
        theirs = loaded(**batch).logits
    # The folder has the weights in half precision.
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)


def test_weights_are_kept_in_half_precision(exported: Path) -> None:
    assert json.loads((exported / "config.json").read_text(encoding="utf-8"))["torch_dtype"] == "float16"


def test_the_report_lies_beside_the_weights(exported: Path) -> None:
    assert json.loads((exported / "pretraining.json").read_text(encoding="utf-8")) == {"steps": 3}


def test_a_folder_too_large_for_the_repository_is_refused(tokenizer: Path, tmp_path: Path) -> None:
    shape = Shape(20_000)
    with pytest.raises(UserError, match=f"more than {MAX_BYTES:,}: take a smaller shape"):
        export(Electra(shape).discriminator, shape, tokenizer, {}, tmp_path)


def test_the_demos_shape_fits_the_repository(tokenizer: Path, tmp_path: Path) -> None:
    shape = Shape(10_000)
    export(Electra(shape).discriminator, shape, tokenizer, {}, tmp_path)


def test_weights_that_half_precision_cannot_hold_are_refused(
    small: Shape, tokenizer: Path, tmp_path: Path
) -> None:
    discriminator = Electra(small).discriminator
    with torch.no_grad():
        discriminator.electra.embeddings.word_embeddings.weight[9, 0] = 1e6
    with pytest.raises(UserError, match=r"word_embeddings\.weight: the training has diverged"):
        export(discriminator, small, tokenizer, {}, tmp_path)
