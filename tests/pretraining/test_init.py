import pytest

from contract import UserError
from pretraining import command


def test_a_mistake_of_the_user_ends_a_script_with_one_line() -> None:
    def main() -> None:
        raise UserError("there is no text")

    with pytest.raises(SystemExit) as stopped:
        command(main)
    assert stopped.value.code == "error: there is no text"
