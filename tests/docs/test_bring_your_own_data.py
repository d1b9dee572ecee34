"""`docs/bring-your-own-data.md`, walked with the bundled reviews in the page's form."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from arguments import parse
from contract import UserError
from prepare import Arguments, main
from rows import read_jsonl
from stacks.data_settings import DataSettings
from stacks.jobs import data_arguments
from tests.docs.own_data import reviews_csv

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bring-your-own-data.md").read_text(encoding="utf-8")


def block(language: str, has: str) -> str:
    """The page's one block in that language with those words in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (found,) = [each for each in blocks if has in each]
    return str(found)


@pytest.fixture
def settings() -> list[str]:
    """What prepare.py is started with under the page's settings."""
    shown = yaml.safe_load(block("yaml", "text_column"))
    return data_arguments(DataSettings.model_validate(shown["data"]))


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a job whose input is the bundled reviews."""
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    folder = tmp_path / "processing" / "input" / "data" / "train"
    folder.mkdir(parents=True)
    (folder / "reviews.csv").write_text(reviews_csv(), encoding="utf-8")
    return tmp_path


def test_the_reviews_that_are_tried_have_the_form_that_is_shown() -> None:
    assert block("csv", "리뷰").splitlines()[0] == reviews_csv().splitlines()[0]


def test_the_file_under_the_settings_gives_labels_that_the_model_answers_with(
    job: Path, settings: list[str]
) -> None:
    main(settings)
    for split in ("train", "validation", "test"):
        rows = read_jsonl(job / "processing" / "output" / split / f"{split}.jsonl")
        assert {row.label for row in rows} == {"negative", "positive"}


def test_the_command_for_a_look_says_what_the_settings_say(settings: list[str]) -> None:
    command = shlex.split(block("console", "prepare.py").replace("\\\n", " "))
    shown = command[command.index("training_code/prepare.py") + 1 :]
    assert parse(Arguments, shown) == parse(Arguments, settings)


def test_wrong_rows_are_told_as_shown(job: Path, settings: list[str]) -> None:
    wrong = block("csv", "리뷰") + f"3,그냥 그래요,보통\n4,{'하' * 2500},긍정\n"
    (job / "processing" / "input" / "data" / "train" / "reviews.csv").write_text(wrong, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        main(settings)
    assert f"{raised.value}\n" == block("text", "unknown label")


def test_the_limits_have_the_defaults_that_are_shown() -> None:
    numbers: dict[str, Any] = dict(re.findall(r"^\| `(m(?:ax|in)_\w+)` \|.*\| ([\d,]+)", PAGE, re.MULTILINE))
    defaults = {name: value for name, value in DataSettings() if name.startswith(("min_", "max_"))}
    shown = {name: float(number.replace(",", "")) for name, number in numbers.items()}
    assert shown == {
        name: pytest.approx(100 * value if isinstance(value, float) else value)
        for name, value in defaults.items()
    }
