from dataclasses import dataclass

import pytest

from arguments import parse
from contract import UserError


@dataclass
class Options:
    learning_rate: float = 5e-5
    num_train_epochs: int = 3
    fp16: bool | None = None
    bf16: bool = False
    model_revision: str = "main"


def test_values_arrive_as_the_training_toolkit_passes_them() -> None:
    options = parse(Options, ["--fp16", "False", "--learning_rate", "0.0005", "--num_train_epochs", "2"])
    assert options == Options(0.0005, 2, False)


def test_without_arguments_the_defaults_hold() -> None:
    assert parse(Options, []) == Options()


@pytest.mark.parametrize(
    ("text", "value"), [("False", False), ("false", False), ("0", False), ("True", True)]
)
def test_a_bool_argument_can_be_switched_off(text: str, value: bool) -> None:
    options = parse(Options, ["--fp16", text, "--bf16", text])
    assert (options.fp16, options.bf16) == (value, value)


def test_a_misspelt_argument_fails_with_the_nearest_right_name() -> None:
    with pytest.raises(UserError, match=r"unknown argument lerning_rate: did you mean learning_rate\?"):
        parse(Options, ["--lerning_rate", "1e-4"])


def test_an_unknown_argument_fails_with_the_names_that_exist() -> None:
    with pytest.raises(
        UserError, match="unknown argument xyz: there are learning_rate, num_train_epochs, fp16"
    ):
        parse(Options, ["--xyz=1"])


def test_an_abbreviation_is_a_misspelling() -> None:
    with pytest.raises(UserError, match=r"unknown argument num_train: did you mean num_train_epochs\?"):
        parse(Options, ["--num_train", "2"])


def test_a_value_of_the_wrong_type_fails_naming_its_argument() -> None:
    with pytest.raises(UserError, match=r"--num_train_epochs.*invalid int value: 'many'"):
        parse(Options, ["--num_train_epochs", "many"])


def test_a_value_without_a_name_fails() -> None:
    with pytest.raises(UserError, match="unexpected argument 'stray'"):
        parse(Options, ["stray"])
