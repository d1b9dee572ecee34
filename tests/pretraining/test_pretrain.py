import json
import re
import time
from pathlib import Path

import pytest
import torch

from contract import UserError
from pretraining import checkpoint
from pretraining.electra import Shape
from pretraining.pretrain import Arguments, Training, draw, learning_rate, main


@pytest.fixture
def command(texts: Path, tokenizer: Path, tmp_path: Path) -> list[str]:
    return [
        *("--texts", str(texts), "--tokenizer", str(tokenizer)),
        *("--output", str(tmp_path / "model"), "--work", str(tmp_path / "work")),
        *("--batch_size", "4", "--save_steps", "3"),
    ]


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def test_the_loss_falls_below_that_of_chance(
    command: list[str], small: Shape, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*command, "--max_steps", "30", "--learning_rate", "1e-2"], small)
    losses = [float(loss) for loss in re.findall(r"generator=([\d.]+)", capsys.readouterr().out)]
    # It is 8.6, the logarithm of the vocabulary's size, before anything is learnt.
    assert losses[-1] < 8


def test_the_same_run_gives_the_same_weights(command: list[str], small: Shape, tmp_path: Path) -> None:
    command += ["--max_steps", "5"]
    main(command, small)
    first = weights(tmp_path)
    (tmp_path / "work" / "checkpoint.pt").unlink()
    main(command, small)
    assert weights(tmp_path) == first


def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(
    command: list[str], small: Shape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command += ["--max_steps", "8"]
    main(command, small)
    whole = weights(tmp_path)
    (tmp_path / "work" / "checkpoint.pt").unlink()
    update = Training.update

    def update_until_killed(training: Training) -> object:
        if training.step == 5:
            raise KeyboardInterrupt
        return update(training)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Training, "update", update_until_killed)
        main(command, small)
    steps = []

    def update_counted(training: Training) -> object:
        steps.append(training.step)
        return update(training)

    monkeypatch.setattr(Training, "update", update_counted)
    main(command, small)
    assert steps == [3, 4, 5, 6, 7]
    assert weights(tmp_path) == whole


def test_a_run_with_other_arguments_does_not_go_on_from_there(command: list[str], small: Shape) -> None:
    main([*command, "--max_steps", "3"], small)
    with pytest.raises(UserError, match="of a run with another arguments"):
        main([*command, "--max_steps", "4"], small)


def test_it_stops_when_its_time_is_over(command: list[str], small: Shape, tmp_path: Path) -> None:
    began = time.monotonic()
    main([*command, "--max_seconds", "1"], small)
    assert time.monotonic() - began < 20
    report = json.loads((tmp_path / "model" / "pretraining.json").read_text(encoding="utf-8"))
    assert report["seconds"] >= 1
    assert report["steps"] > 1


def test_the_report_says_what_was_trained_on(
    command: list[str], texts: Path, small: Shape, tmp_path: Path
) -> None:
    main([*command, "--max_steps", "2"], small)
    report = json.loads((tmp_path / "model" / "pretraining.json").read_text(encoding="utf-8"))
    assert report["sha256"].keys() == {texts.name, "tokenizer.json"}
    assert report["steps"] == 2
    assert report["tokens"] == 2 * 4 * 256
    assert report["arguments"]["batch_size"] == 4
    assert report["versions"]["torch"] == torch.__version__


def test_a_model_that_cannot_be_compiled_is_trained_all_the_same(
    command: list[str],
    small: Shape,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def compile_nothing(model: object, dynamic: bool) -> object:
        def fail(batch: object) -> None:
            raise RuntimeError("no compiler here")

        return fail

    monkeypatch.setattr(torch, "compile", compile_nothing)
    main([*command, "--max_steps", "2", "--compile"], small)
    assert "goes on without compile: no compiler here" in capsys.readouterr().out
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_a_loss_that_is_no_number_ends_the_run(command: list[str], small: Shape) -> None:
    with pytest.raises(UserError, match="the loss is not a number: lower learning_rate"):
        main([*command, "--max_steps", "20", "--learning_rate", "1e30"], small)


def test_checkpoints_are_written_on_the_way(
    command: list[str], small: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    monkeypatch.setattr(checkpoint, "save", lambda path, state: saved.append(state["step"]))
    main([*command, "--max_steps", "7"], small)
    assert saved == [3, 6]


@pytest.mark.parametrize(
    ("done", "rate"), [(0.0, 0.0), (0.025, 0.5), (0.05, 1.0), (0.525, 0.5), (1.0, 0.0), (1.1, 0.0)]
)
def test_the_rate_warms_up_and_falls_to_nothing(done: float, rate: float) -> None:
    assert learning_rate(done, 1.0) == pytest.approx(rate)


def test_a_batch_has_each_sources_share() -> None:
    sources = [torch.full((10, 4), 1), torch.full((20, 4), 2)]
    assert draw(sources, [2, 3])[:, 0].tolist() == [1, 1, 2, 2, 2]


def arguments(**given: object) -> Arguments:
    return Arguments(**{"texts": ["a", "b"], "tokenizer": "", "output": "", "work": "", **given})  # type: ignore[arg-type]


def test_files_are_seen_equally_often_unless_weights_say_otherwise() -> None:
    assert arguments(max_steps=1, batch_size=10).shares() == [5, 5]
    assert arguments(max_steps=1, batch_size=10, weights=[4, 1]).shares() == [8, 2]


def test_a_batch_too_small_for_all_files_is_refused() -> None:
    with pytest.raises(UserError, match="batch_size 1 has no window for some of the texts"):
        arguments(max_steps=1, batch_size=1).shares()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give max_steps or max_seconds"),
        ({"max_steps": 0}, "max_steps 0 must be above 0"),
        ({"max_steps": 1, "weights": [1.0]}, "weights has 1 numbers for 2 texts"),
        ({"max_steps": 1, "weights": [1.0, 0.0]}, "weights 0.0 must be above 0"),
    ],
)
def test_arguments_that_could_not_train_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        arguments(**given)


def test_a_folder_without_tokenizer_is_refused(command: list[str], tmp_path: Path) -> None:
    command[command.index("--tokenizer") + 1] = str(tmp_path)
    with pytest.raises(UserError, match=r"has no tokenizer\.json"):
        main([*command, "--max_steps", "1"])
