from pathlib import Path

import pytest

from contract import UserError, base_dir, run


def test_the_folder_is_opt_ml_unless_the_toolkits_variable_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SAGEMAKER_BASE_DIR", raising=False)
    assert base_dir() == Path("/opt/ml")


def test_what_a_user_can_mend_is_said_without_a_traceback(
    job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise UserError("표가 비었어요: 행을 넣으세요")

    with pytest.raises(SystemExit, match="1"):
        run(fail, reason_file="message")
    assert capsys.readouterr().err == "error: 표가 비었어요: 행을 넣으세요\n"
    assert (job / "output" / "message").read_text(encoding="utf-8") == "표가 비었어요: 행을 넣으세요"


def test_the_unexpected_keeps_its_traceback(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise KeyError("text")

    with pytest.raises(SystemExit, match="1"):
        run(fail, reason_file="failure")
    assert "Traceback (most recent call last)" in capsys.readouterr().err
    assert (job / "output" / "failure").read_text(encoding="utf-8") == "KeyError: 'text'"


def test_a_reason_is_cut_to_a_kilobyte_between_characters(job: Path) -> None:
    def fail() -> None:
        raise UserError("x" + "긴" * 1000)

    with pytest.raises(SystemExit):
        run(fail, reason_file="message")
    assert (job / "output" / "message").read_bytes() == ("x" + "긴" * 341).encode()


def test_success_leaves_no_reason(job: Path) -> None:
    run(lambda: None, reason_file="message")
    assert not (job / "output").exists()
