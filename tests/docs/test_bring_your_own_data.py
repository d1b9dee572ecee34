"""`docs/bring-your-own-data.md`, walked with data in the page's forms: script by script, to the handlers.

`tests/end_to_end/test_own_data.py` walks it on the embedded AWS, to the endpoint.
"""

from __future__ import annotations

import json
import re
import shlex
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import evaluate
import inference
import optimise
import train
from arguments import parse
from contract import UserError
from prepare import Arguments, main
from rows import read_jsonl
from stacks.data_settings import DataSettings
from stacks.jobs import data_arguments
from tests.docs.own_data import pairs_csv, reviews_csv, several_csv
from tests.training_code.conftest import pack, read_json

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "bring-your-own-data.md").read_text(encoding="utf-8")


def block(language: str, has: str) -> str:
    """The page's one block in that language with those words in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (found,) = [each for each in blocks if has in each]
    return str(found)


def arguments(*blocks: str) -> list[str]:
    """What prepare.py is started with under the settings of these blocks."""
    shown = [yaml.safe_load(each)["data"] for each in blocks]
    return data_arguments(
        DataSettings.model_validate({name: of for each in shown for name, of in each.items()})
    )


@pytest.fixture
def settings() -> list[str]:
    """What prepare.py is started with under the page's first settings."""
    return arguments(block("yaml", "text_column: 리뷰\n  label_column: 평가"))


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a job whose input is reviews in the page's form."""
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    folder = tmp_path / "processing" / "input" / "data" / "train"
    folder.mkdir(parents=True)
    (folder / "reviews.csv").write_text(reviews_csv(), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("has", "data"), [("평가", reviews_csv), ("항목", several_csv), ("전제", pairs_csv)])
def test_the_data_that_is_tried_has_the_form_that_is_shown(has: str, data: Callable[[], str]) -> None:
    assert block("csv", has).splitlines()[0] == data().splitlines()[0]


def test_the_file_under_the_settings_gives_labels_that_the_model_answers_with(
    job: Path, settings: list[str]
) -> None:
    main(settings)
    for split in ("train", "validation", "test"):
        rows = read_jsonl(job / "processing" / "output" / split / f"{split}.jsonl")
        assert {row.label for row in rows} == {"긍정", "부정", "중립"}


def test_the_command_for_a_look_says_what_the_settings_say(settings: list[str]) -> None:
    command = shlex.split(block("console", "prepare.py").replace("\\\n", " "))
    shown = command[command.index("training_code/prepare.py") + 1 :]
    assert parse(Arguments, shown) == parse(Arguments, settings)


def test_with_the_names_that_are_listed_wrong_rows_are_told_as_shown(job: Path) -> None:
    wrong = block("csv", "평가") + f"4,그냥 그래요,보통\n5,{'하' * 2500},긍정\n"
    (job / "processing" / "input" / "data" / "train" / "reviews.csv").write_text(wrong, encoding="utf-8")
    first, names = block("yaml", "label_column: 평가"), block("yaml", "긍정: positive")
    with pytest.raises(UserError) as raised:
        main(arguments(first, names))
    assert f"{raised.value}\n" == block("text", "unknown label")


def test_the_limits_have_the_defaults_that_are_shown() -> None:
    numbers: dict[str, Any] = dict(re.findall(r"^\| `(m(?:ax|in)_\w+)` \|.*\| ([\d,]+)", PAGE, re.MULTILINE))
    defaults = {name: value for name, value in DataSettings() if name.startswith(("min_", "max_"))}
    shown = {name: float(number.replace(",", "")) for name, number in numbers.items()}
    assert shown == {
        name: pytest.approx(100 * value if isinstance(value, float) else value)
        for name, value in defaults.items()
    }


def test_without_names_a_mistyped_label_is_refused_as_a_rare_one(job: Path, settings: list[str]) -> None:
    file = job / "processing" / "input" / "data" / "train" / "reviews.csv"
    file.write_text(reviews_csv() + "9999,재미있다,긍졍\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"min_label_share: .*\n  긍졍: 0\.1%, 1 texts"):
        main(settings)


class Walk:
    """A file in the page's form, taken through the jobs under the page's settings."""

    def __init__(self, folder: Path, data: str, settings: list[str], epochs: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SAGEMAKER_BASE_DIR", str(folder))
            inputs, outputs = (folder / "processing" / side for side in ("input", "output"))
            (inputs / "data" / "train").mkdir(parents=True)
            (inputs / "data" / "train" / "a.csv").write_text(data, encoding="utf-8")
            main(settings)
            channels = folder / "input" / "data"
            channels.mkdir(parents=True)
            (channels / "model").symlink_to(ROOT / "data" / "base_model")
            for split in ("train", "validation"):
                (channels / split).symlink_to(outputs / split)
            train.main(
                f"--num_train_epochs={epochs} --per_device_train_batch_size=16 --learning_rate=3e-4 "
                "--max_seq_length=32".split()
            )
            pack(folder / "model", inputs / "model" / "model.tar.gz")
            for split in ("validation", "test"):
                (inputs / split).symlink_to(outputs / split)
            optimise.main([])
            (outputs / "model" / "model.tar.gz").replace(inputs / "model" / "model.tar.gz")
            evaluate.main([])
        self.evaluation: Any = read_json(outputs / "evaluation" / "evaluation.json")
        with tarfile.open(inputs / "model" / "model.tar.gz") as tar:
            tar.extractall(folder / "served", filter="data")
        self._model = inference.model_fn(str(folder / "served"))

    def ask(self, body: str) -> Any:
        """What the handlers of the archive that is served answer."""
        answer = inference.predict_fn(inference.input_fn(body, "application/json"), self._model)
        return json.loads(inference.output_fn(answer, "application/json"))


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    settings = arguments(block("yaml", "label_separator"))
    return Walk(tmp_path_factory.mktemp("several"), several_csv(), settings, 8)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    settings = arguments(block("yaml", "text_pair_column"))
    return Walk(tmp_path_factory.mktemp("pairs"), pairs_csv(), settings, 8)


def test_a_model_of_several_labels_a_text_is_trained_and_evaluated(several: Walk) -> None:
    assert several.evaluation["problem_type"] == "multi_label_classification"
    assert set(several.evaluation["classes"]) == {"연기", "음악", "이야기"}
    assert several.evaluation["accuracy"] > 0.9


def test_it_answers_the_pages_request_with_a_list_a_text(several: Walk) -> None:
    ((*labels,),) = several.ask(block("json", "threshold"))
    assert all(set(label) == {"label", "score"} and label["score"] >= 0.5 for label in labels)


def test_it_answers_with_all_the_labels_that_a_text_has_and_no_other(several: Walk) -> None:
    request = {
        "inputs": ["연기 최고예요 ㅋㅋ 음악 지루해요", "영화 최고예요 ㅋㅋ"],
        "parameters": {"threshold": 0.5},
    }
    answers = several.ask(json.dumps(request))
    assert [{one["label"] for one in labels} for labels in answers] == [{"연기", "음악"}, set()]


def test_a_model_of_pairs_is_trained_and_evaluated(pairs: Walk) -> None:
    # By one text without the other, seven in ten could be right.
    assert pairs.evaluation["accuracy"] > 0.9


def test_it_answers_the_pages_request_with_a_label_a_pair(pairs: Walk) -> None:
    (answer,) = pairs.ask(block("json", "text_pair"))
    assert answer["label"] in {"함의", "모순"}


def test_it_answers_by_both_texts(pairs: Walk) -> None:
    good, bad = "결말 정말 좋았어요", "결말 실망이에요 0점"
    inputs = [{"text": one, "text_pair": other} for one in (good, bad) for other in (good, bad)]
    answers = pairs.ask(json.dumps({"inputs": inputs}))
    assert [one["label"] for one in answers] == ["함의", "모순", "모순", "함의"]
