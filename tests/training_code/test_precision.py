import pytest
import torch

from arguments import parse
from contract import UserError
from hyperparameters import Arguments
from precision import choose


@pytest.fixture
def v100(monkeypatch: pytest.MonkeyPatch) -> None:
    see_gpu(monkeypatch, bf16=False)


@pytest.fixture
def a10(monkeypatch: pytest.MonkeyPatch) -> None:
    see_gpu(monkeypatch, bf16=True)


def see_gpu(monkeypatch: pytest.MonkeyPatch, *, bf16: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla V100-SXM2-16GB")


def see_cpu(monkeypatch: pytest.MonkeyPatch, *, bf16: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)


@pytest.mark.usefixtures("v100")
def test_a_v100_trains_in_float16() -> None:
    assert choose(None, None) == "fp16"


@pytest.mark.usefixtures("a10")
def test_a_gpu_from_ampere_on_trains_in_bfloat16() -> None:
    assert choose(None, None) == "bf16"


@pytest.mark.parametrize(("has", "chosen"), [(True, "bf16"), (False, "no")])
def test_a_cpu_trains_in_bfloat16_if_it_has_it(
    monkeypatch: pytest.MonkeyPatch, has: bool, chosen: str
) -> None:
    see_cpu(monkeypatch, bf16=has)
    assert choose(None, None) == chosen


@pytest.mark.usefixtures("a10")
@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["--bf16", "False"], "fp16"),
        (["--bf16", "False", "--fp16", "False"], "no"),
        (["--fp16", "False"], "bf16"),
        (["--fp16", "True"], "fp16"),
        (["--bf16", "True"], "bf16"),
    ],
)
def test_either_can_be_switched_on_and_off(arguments: list[str], chosen: str) -> None:
    assert parse(Arguments, arguments).mixed_precision == chosen


def test_fp16_is_refused_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    see_cpu(monkeypatch, bf16=True)
    with pytest.raises(UserError, match="fp16 needs a GPU, and there is none: leave it out"):
        Arguments(fp16=True)


def test_bf16_is_refused_on_a_cpu_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    see_cpu(monkeypatch, bf16=False)
    with pytest.raises(
        UserError, match="bf16 needs a GPU, or a CPU with AVX512-BF16 or AMX, and there is none"
    ):
        Arguments(bf16=True)


@pytest.mark.usefixtures("v100")
def test_bf16_is_refused_on_a_gpu_that_only_emulates_it() -> None:
    with pytest.raises(UserError, match="from Ampere on, and Tesla V100-SXM2-16GB is older: leave it out"):
        Arguments(bf16=True)


@pytest.mark.usefixtures("a10")
def test_fp16_and_bf16_together_are_refused() -> None:
    with pytest.raises(UserError, match="fp16 and bf16 are both True: leave one of them out"):
        Arguments(fp16=True, bf16=True)


def test_a_pytorch_that_cannot_tell_takes_the_cpu_for_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert choose(None, None) == "no"
