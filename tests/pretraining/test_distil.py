import json
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch
from transformers import AutoModelForSequenceClassification

from contract import UserError
from pretraining.checkpoint import export
from pretraining.distil import export as export_mean
from pretraining.distil import main
from pretraining.electra import Electra, Shape
from pretraining.texts import sha256
from tests.training_code import tiny_model


@pytest.fixture(scope="module")
def student(small: Shape, tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("student")
    export(Electra(small).discriminator, small, tokenizer, {"steps": 3}, folder)
    return folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    tiny_model.write_classifier(folder, ["negative", "positive"])
    return folder


def arguments(texts: Path, teacher: Path, student: Path, output: Path, *more: str) -> list[str]:
    named = {"texts": texts, "teacher": teacher, "student": student, "output": output}
    return [part for name, value in named.items() for part in (f"--{name}", str(value))] + list(more)


@pytest.fixture(scope="module")
def distilled(texts: Path, teacher: Path, student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distilled")
    main(arguments(texts, teacher, student, folder, "--batch_size", "32", "--num_train_epochs", "2"))
    return folder


def test_the_student_comes_to_answer_as_its_teacher(
    texts: Path, teacher: Path, student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--batch_size", "32", "--learning_rate", "5e-3", "--num_train_epochs")
    losses = []
    for epochs in ("0.1", "4"):
        main(arguments(texts, teacher, student, tmp_path, *more, epochs))
        losses.append(float(re.findall(r"mean_loss=(\S+)", capsys.readouterr().out)[-1]))
    assert losses[1] < losses[0] / 2


def test_what_is_written_loads_as_a_classifier_with_every_weight(distilled: Path) -> None:
    _, loading = AutoModelForSequenceClassification.from_pretrained(distilled, output_loading_info=True)
    assert {name.split(".")[0] for name in loading["missing_keys"]} == {"classifier"}


def test_it_is_another_encoder_in_half_precision(distilled: Path, student: Path) -> None:
    before, after = (
        safetensors.torch.load_file(folder / "model.safetensors") for folder in (student, distilled)
    )
    assert {weight.dtype for weight in after.values()} == {torch.float16}
    assert {name for name in before if name.startswith("electra.")} == set(after)
    assert not [name for name in after if name.endswith("query.weight") and before[name].equal(after[name])]


def test_what_is_written_is_the_mean_of_the_encoders_before_and_after(student: Path, tmp_path: Path) -> None:
    learnt = AutoModelForSequenceClassification.from_pretrained(student).float()
    with torch.no_grad():
        for weight in learnt.parameters():
            weight.mul_(3)
    export_mean(learnt, student, tmp_path, {})
    before, after = (
        safetensors.torch.load_file(folder / "model.safetensors") for folder in (student, tmp_path)
    )
    assert all(torch.allclose(after[name], 2 * before[name], rtol=1e-2) for name in after)


def test_the_head_that_found_replaced_tokens_is_gone(distilled: Path) -> None:
    config = json.loads((distilled / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["ElectraModel"]


def test_it_is_kept_what_was_read_and_what_came_out(distilled: Path, texts: Path, student: Path) -> None:
    facts = json.loads((distilled / "distillation.json").read_text(encoding="utf-8"))
    assert facts["sha256"]["texts"] == sha256(texts)
    assert facts["sha256"]["student"] == sha256(student / "model.safetensors")
    assert facts["arguments"]["batch_size"] == 32
    assert facts["mean_loss"] > 0


def test_a_batch_of_no_texts_is_refused(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="batch_size 0 must be above 0"):
        main(arguments(texts, tmp_path, tmp_path, tmp_path, "--batch_size", "0"))
