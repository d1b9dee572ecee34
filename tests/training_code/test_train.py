import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

import inference
import train
from contract import UserError, inference_code_dir
from refusals import RequestError
from rows import Row
from tests.training_code.conftest import FAST, read_json, write_channels
from texts import Text


def training_json(base: Path) -> Any:
    return read_json(base / "output" / "data" / "training.json")


def test_the_tiny_model_learns(trained: Path) -> None:
    assert training_json(trained)["best"]["accuracy"] > 0.9


def test_the_archive_holds_what_serving_needs_and_nothing_else(trained: Path) -> None:
    model = trained / "model"
    files = {str(path.relative_to(model)) for path in model.rglob("*") if path.is_file()}
    # transformers 5 has its content in tokenizer_config.json.
    assert files - {"special_tokens_map.json"} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        *(f"code/{path.name}" for path in inference_code_dir().glob("*.py")),
    }


def test_the_labels_names_are_in_the_configuration(trained: Path) -> None:
    config: Any = read_json(trained / "model" / "config.json")
    assert config["id2label"] == {"0": "negative", "1": "positive"}
    assert config["label2id"] == {"negative": 0, "positive": 1}


def test_the_saved_tokenizer_neither_pads_nor_cuts_on_its_own(trained: Path) -> None:
    saved: Any = read_json(trained / "model" / "tokenizer.json")
    assert (saved["padding"], saved["truncation"]) == (None, None)


def test_a_text_is_served_at_the_length_it_was_trained_with(trained: Path) -> None:
    assert inference.model_fn(str(trained / "model")).max_length == 32


def test_training_json_records_what_was_trained_how_well_and_how_fast(trained: Path) -> None:
    written = training_json(trained)
    assert written["base"] == "model channel"
    assert written["rows"] == {"train": 50, "validation": 50}
    assert written["seed"] == 42
    assert [epoch["epoch"] for epoch in written["validation"]] == [1, 2, 3, 4]
    assert written["throughput"]["train_samples_per_second"] > 0
    assert written["versions"]["torch"] == torch.__version__


def test_the_epoch_that_validates_best_is_saved_not_the_last(
    job: Path, checkpoint: Path, training_rows: list[Row]
) -> None:
    # With the labels swapped, the better the model learns the worse it validates.
    other = {"negative": "positive", "positive": "negative"}
    swapped = [Row(row.text, (other[row.label],)) for row in training_rows]
    write_channels(job, training_rows, swapped, checkpoint)
    train.main(FAST)
    epochs = [epoch["accuracy"] for epoch in training_json(job)["validation"]]
    assert epochs[-1] < max(epochs)
    model = inference.model_fn(str(job / "model"))
    scores = model.classify([Text(row.text) for row in swapped])
    right = [
        not isinstance(found, RequestError) and model.labels[found.argmax()] == row.label
        for found, row in zip(scores, swapped, strict=True)
    ]
    assert sum(right) / len(right) == pytest.approx(max(epochs))


def test_the_epoch_is_not_chosen_on_the_test_set(
    job: Path, checkpoint: Path, training_rows: list[Row]
) -> None:
    write_channels(job, training_rows, training_rows[::9], checkpoint)
    unreadable = job / "input" / "data" / "test" / "test.jsonl"
    unreadable.parent.mkdir()
    unreadable.write_text("nobody may read this", encoding="utf-8")
    train.main([*FAST, "--num_train_epochs", "1"])
    assert len(training_json(job)["validation"]) == 1


def test_one_seed_gives_one_model(
    job: Path, trained: Path, checkpoint: Path, training_rows: list[Row]
) -> None:
    write_channels(job, training_rows[::2], training_rows[1::2], checkpoint)
    train.main(FAST)
    assert training_json(job)["validation"] == training_json(trained)["validation"]


def test_metrics_are_printed_one_a_line_and_nothing_else_is(
    job: Path, checkpoint: Path, training_rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    write_channels(job, training_rows, training_rows[::9], checkpoint)
    train.main([*FAST, "--num_train_epochs", "2"])
    printed = capsys.readouterr()
    setup, *lines = printed.out.splitlines()
    assert setup.startswith(
        "[setup] base=model channel train=100 validation=12 labels=negative,positive device="
    )
    number = r"\d+\.\d{4}"
    shapes = [
        rf"\[train\] step=\d+ epoch=\d+\.\d\d loss={number} learning_rate=\d\S*",
        rf"\[validation\] epoch=\d+\.\d\d loss={number} accuracy={number}",
    ]
    for line in lines:
        assert any(re.fullmatch(shape, line) for shape in shapes), line
    assert [line.split()[1] for line in lines if "validation" in line] == ["epoch=1.00", "epoch=2.00"]
    assert "%|" not in printed.err


@pytest.mark.parametrize(("ratio", "steps"), [("0.3", 4), ("1", 13)])
def test_the_ratio_of_the_steps_warms_up(
    job: Path,
    checkpoint: Path,
    training_rows: list[Row],
    capsys: pytest.CaptureFixture[str],
    ratio: str,
    steps: int,
) -> None:
    write_channels(job, training_rows, training_rows[::9], checkpoint)
    train.main([*FAST, "--num_train_epochs", "1", "--logging_steps", "1", "--warmup_ratio", ratio])
    rates = [float(rate) for rate in re.findall(r"\[train\].*learning_rate=(\S+)", capsys.readouterr().out)]
    assert len(rates) == 13
    assert rates[1] - rates[0] == pytest.approx(1e-2 / steps, rel=0.01)


def test_part_of_an_epoch_still_validates(job: Path, checkpoint: Path, training_rows: list[Row]) -> None:
    write_channels(job, training_rows, training_rows[::9], checkpoint)
    train.main([*FAST, "--num_train_epochs", "0.5"])
    assert len(training_json(job)["validation"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lerning_rate", "1e-4"], "unknown argument lerning_rate: did you mean learning_rate?"),
        (["--num_train_epochs", "0"], "num_train_epochs 0.0 must be above 0"),
        (["--learning_rate", "nan"], "learning_rate nan must be above 0"),
        (["--warmup_ratio", "10"], "warmup_ratio 10.0 must lie between 0 and 1"),
        (["--max_seq_length", "65"], "max_seq_length 65 is more than .* takes: at most 64"),
        (
            ["--learning_rate", "1e30", "--num_train_epochs", "1"],
            "the validation loss is not a number: lower",
        ),
    ],
)
def test_a_wrong_hyperparameter_fails(
    job: Path, checkpoint: Path, training_rows: list[Row], arguments: list[str], message: str
) -> None:
    write_channels(job, training_rows, training_rows[::9], checkpoint)
    with pytest.raises(UserError, match=message):
        train.main(["--max_seq_length", "32", *arguments])


def test_a_missing_channel_is_named(job: Path) -> None:
    with pytest.raises(UserError, match=r"there is no train channel: it must hold train\.jsonl"):
        train.main([])


def test_a_label_that_only_validation_has_is_named(
    job: Path, checkpoint: Path, training_rows: list[Row]
) -> None:
    write_channels(job, training_rows, [*training_rows, Row("글쎄요", ("neutral",))], checkpoint)
    with pytest.raises(UserError, match="labels that the train channel lacks: neutral"):
        train.main([])


def test_one_label_is_nothing_to_learn(job: Path, checkpoint: Path, training_rows: list[Row]) -> None:
    write_channels(job, training_rows[:5], training_rows[:5], checkpoint)
    with pytest.raises(UserError, match=r"one label only \(positive\)"):
        train.main([])


def test_a_model_channel_without_a_checkpoint_fails(
    job: Path, tmp_path: Path, training_rows: list[Row]
) -> None:
    write_channels(job, training_rows, training_rows, tmp_path)
    with pytest.raises(UserError, match=r"the model channel .* has no config\.json at its top"):
        train.main([])


def test_a_model_channel_without_a_tokenizer_fails(
    job: Path, checkpoint: Path, tmp_path: Path, training_rows: list[Row]
) -> None:
    shutil.copytree(checkpoint, tmp_path / "model", ignore=shutil.ignore_patterns("*token*"))
    write_channels(job, training_rows, training_rows, tmp_path / "model")
    with pytest.raises(UserError, match=r"cannot load a checkpoint from .*: .* tokenizer"):
        train.main([])


def test_a_checkpoint_that_cannot_be_had_is_named(
    job: Path, training_rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    write_channels(job, training_rows, training_rows, job)
    (job / "input" / "data" / "model").unlink()
    with pytest.raises(
        UserError, match=r"cannot load a checkpoint from nobody/nothing: .* or a model channel"
    ):
        train.main(["--model_name_or_path", "nobody/nothing"])


@pytest.mark.skipif(
    "BASE_MODEL_DIR" not in os.environ, reason="BASE_MODEL_DIR names no real checkpoint's folder"
)
def test_a_real_checkpoint_trains_and_loads_again(job: Path, training_rows: list[Row]) -> None:
    write_channels(job, training_rows[::4], training_rows[1::9], Path(os.environ["BASE_MODEL_DIR"]).resolve())
    train.main(["--num_train_epochs", "1", "--max_seq_length", "64"])
    model = AutoModelForSequenceClassification.from_pretrained(job / "model", local_files_only=True)
    assert model.dtype == torch.float32
